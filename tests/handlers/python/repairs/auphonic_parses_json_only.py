"""Faulty: it parses JSON, and Auphonic sends forms. Repaired: FastAPI reads a form in both of its encodings."""

from fastapi import FastAPI, HTTPException, Request
from serve import serve

app = FastAPI()


@app.post("/faulty")
async def parse_json(request: Request):
    try:
        payload = await request.json()
    except ValueError:
        raise HTTPException(400, "invalid payload")
    return {"uuid": payload["uuid"]}


@app.post("/repaired")
async def parse_form(request: Request):
    payload = await request.form()
    return {"uuid": payload["uuid"]}


serve(app)
