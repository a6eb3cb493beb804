"""A correct handler of Auphonic's webhooks: FastAPI reads a form in both of its encodings."""

from typing import Annotated

from fastapi import FastAPI, Form
from serve import serve

app = FastAPI()


@app.post("/webhook")
async def receive(uuid: Annotated[str, Form()], status: Annotated[int, Form()]):
    return {"uuid": uuid, "status": status}


serve(app)
