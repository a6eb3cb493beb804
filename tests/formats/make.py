#!/usr/bin/env python3
"""Writes the samples of this folder that no tool recorded, each in the shape that the tool's
documentation gives, around the same two deliveries: Cyanite's and Aspect's, signed with their
development secrets. README.md says where the others come from.

Usage: python3 tests/formats/make.py
"""

import base64, csv, hashlib, hmac, io, json, pathlib, tomllib

HERE = pathlib.Path(__file__).parent
FIXTURES = HERE.parent.parent / "fixtures"
RECEIVED = 1772443125  # 2026-03-02T09:18:45Z, to which Aspect's signature holds


def secret(provider):
    return tomllib.loads((FIXTURES / provider / "provider.toml").read_text())["secret"]["development"]


def payload(path, **layout):
    return json.dumps(json.loads((FIXTURES / path).read_text()), **layout).encode()


def mac(key, content, algorithm):
    return hmac.new(key, content, algorithm)


def cyanite(**layout):
    body = payload("cyanite/events/v2.finished.json", **layout)
    signature = mac(secret("cyanite").encode(), body, hashlib.sha512).hexdigest()
    return "/cyanite", {"Signature": signature}, body


def aspect(**layout):
    body = payload("aspect/events/task.completed.json", **layout)
    key = base64.b64decode(secret("aspect").removeprefix("whsec_"))
    content = f"msg_2hX1.{RECEIVED}.".encode() + body
    signature = "v1," + base64.b64encode(mac(key, content, hashlib.sha256).digest()).decode()
    return "/aspect", {"svix-id": "msg_2hX1", "svix-timestamp": str(RECEIVED), "svix-signature": signature}, body


def deliveries(**layout):
    for path, headers, body in (cyanite(**layout), aspect(**layout)):
        headers = {"Host": "hooks.example.com", "Content-Type": "application/json", "Content-Length": str(len(body))} | headers
        yield path, headers, body


def b64(data):
    return base64.b64encode(data).decode()


def write(name, text):
    (HERE / name).write_bytes(text.encode())


def write_json(name, value):
    write(name, json.dumps(value, indent=2) + "\n")


def write_lines(name, values):
    write(name, "".join(json.dumps(value, separators=(",", ":")) + "\n" for value in values))


def chrome():
    def exchange(path, headers, body):
        fields = {":authority": "hooks.example.com", ":method": "POST", ":path": path, ":scheme": "https"} | headers
        pairs = [{"name": name.lower(), "value": value} for name, value in fields.items()]
        data = {"mimeType": "application/json", "text": body.decode()}
        request = {"method": "POST", "url": f"https://hooks.example.com{path}", "httpVersion": "http/2.0", "headers": pairs,
                   "queryString": [], "cookies": [], "headersSize": -1, "bodySize": len(body), "postData": data}
        return {"_initiator": {"type": "script"}, "_resourceType": "fetch", "cache": {}, "request": request,
                "response": {"status": 200, "statusText": ""}, "startedDateTime": "2026-03-02T09:18:45.120Z", "time": 3.5}

    get = {"startedDateTime": "2026-03-02T09:18:44.000Z", "request": {"method": "GET", "url": "https://hooks.example.com/", "headers": []}}
    entries = [get] + [exchange(*delivery) for delivery in deliveries()]
    write_json("chrome.har", {"log": {"version": "1.2", "creator": {"name": "WebInspector", "version": "537.36"}, "pages": [], "entries": entries}})


def ngrok():
    def exchange(number, path, headers, body):
        lines = [f"POST {path} HTTP/1.1"] + [f"{name}: {value}" for name, value in headers.items()]
        raw = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
        request = {"method": "POST", "proto": "HTTP/1.1", "headers": {name: [value] for name, value in headers.items()}, "uri": path, "raw": b64(raw)}
        response = {"status": "200 OK", "status_code": 200, "proto": "HTTP/1.1", "headers": {}, "raw": b64(b"HTTP/1.1 200 OK\r\n\r\n")}
        name = f"airt_{number}"
        return {"uri": f"/api/requests/http/{name}", "id": name, "tunnel_name": "command_line", "remote_addr": "192.0.2.5",
                "start": "2026-03-02T10:18:45.5+01:00", "duration": 3893202, "request": request, "response": response}

    exchanges = [exchange(number, *delivery) for number, delivery in enumerate(deliveries())]
    write_json("ngrok.json", {"uri": "/api/requests/http", "requests": exchanges})
    write_json("ngrok-single.json", exchanges[1])


def webhook_site():
    token = "a94a7294-c4aa-4074-ab77-c4cf86fd53b1"
    common = {"uuid": "a2a6a4ae-4130-4063-953a-84fa29d81d43", "type": "web", "token_id": token, "ip": "192.0.2.5", "hostname": "webhook.site", "method": "POST"}

    def message(path, headers, body):
        return common | {"content": body.decode(), "query": [], "request": [], "files": [],
                         "headers": {name.lower(): [value] for name, value in headers.items()},
                         "url": f"https://webhook.site/{token}{path}", "size": len(body), "created_at": "2026-03-02 09:18:45"}

    messages = [message(*delivery) for delivery in deliveries()]
    write("webhook-site.json", json.dumps({"data": messages, "total": 2, "per_page": 50, "current_page": 1}, indent=4).replace("/", "\\/") + "\n")

    names = sorted({name for message in messages for name in message["headers"]})
    columns = [*common, "url", "size", "content", "created_at", *(f"headers.{name}.0" for name in names)]
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(columns)
    for message in messages:
        cells = {f"headers.{name}.0": values[0] for name, values in message["headers"].items()} | message
        table.writerow([cells.get(column, "") for column in columns])
    write("webhook-site.csv", text.getvalue())


def aws():
    millis = RECEIVED * 1000 + 250

    def rest(path, headers, body):
        return {"resource": "/{proxy+}", "path": path, "httpMethod": "POST", "headers": headers, "multiValueHeaders": {name: [value] for name, value in headers.items()},
                "queryStringParameters": None, "multiValueQueryStringParameters": None, "pathParameters": {"proxy": path[1:]}, "stageVariables": None,
                "requestContext": {"resourcePath": "/{proxy+}", "httpMethod": "POST", "path": f"/prod{path}", "stage": "prod", "requestTimeEpoch": millis},
                "body": body.decode(), "isBase64Encoded": False}

    def http(path, headers, body, stage, prefix):
        return {"version": "2.0", "routeKey": "$default", "rawPath": f"{prefix}{path}", "rawQueryString": "", "headers": {name.lower(): value for name, value in headers.items()},
                "requestContext": {"http": {"method": "POST", "path": f"{prefix}{path}", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.5"}, "stage": stage, "timeEpoch": millis},
                "body": b64(body), "isBase64Encoded": True}

    def balancer(path, headers, body):
        return {"requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/hooks/6d0ecf831eec9f09"}},
                "httpMethod": "POST", "path": path, "multiValueQueryStringParameters": {}, "multiValueHeaders": {name.lower(): [value] for name, value in headers.items()},
                "body": body.decode(), "isBase64Encoded": False}

    write_lines("aws-rest-api.ndjson", [rest(*delivery) for delivery in deliveries()])
    write_lines("aws-http-api.ndjson", [http(*delivery, "prod", "/prod") for delivery in deliveries()])
    write_json("aws-function-url.json", [http(*delivery, "$default", "") for delivery in deliveries()])
    write_json("aws-load-balancer.json", [balancer(*delivery) for delivery in deliveries()])


def svix():
    def event(number, headers, body):
        return {"type": "event", "version": 1, "data": {"id": str(number), "headers": headers, "body": b64(body), "method": "POST"}}

    events = [event(number, headers, body) for number, (_, headers, body) in enumerate(deliveries())]
    write_lines("svix.ndjson", [{"type": "start", "version": 1, "data": {"token": "c_abc"}}, *events])


def postman():
    def item(path, headers, body):
        header = [{"key": name, "value": value} for name, value in headers.items()] + [{"key": "X-Off", "value": "1", "disabled": True}]
        url = {"raw": f"{{{{base}}}}{path}", "host": ["{{base}}"], "path": [path[1:]]}
        return {"name": path[1:], "request": {"method": "POST", "header": header, "body": {"mode": "raw", "raw": body.decode(), "options": {"raw": {"language": "json"}}}, "url": url}, "response": []}

    schema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
    items = [item(*delivery) for delivery in deliveries(indent=4)]
    write_json("postman.json", {"info": {"_postman_id": "5f1d7c9e", "name": "hooks", "schema": schema},
                                "item": [{"name": "providers", "item": items}], "variable": [{"key": "base", "value": "https://hooks.example.com"}]})


def http_file():
    requests = [f"### {path[1:]}\nPOST {{{{host}}}}{path}\n" + "".join(f"{name}: {value}\n" for name, value in headers.items()) + f"\n{body.decode()}\n\n"
                for path, headers, body in deliveries(indent=2)]
    write("deliveries.http", "@host = https://hooks.example.com\n\nGET {{host}}/health\n\n" + "".join(requests))


def github():
    write_json("github.json", {"id": 42, "guid": "58474f00-b361-11eb-836d-0e4f3503ccbe", "delivered_at": "2021-05-12T20:33:44Z", "redelivery": False,
                               "duration": 0.03, "status": "OK", "status_code": 200, "event": "issues", "action": "opened", "url": "https://hooks.example.com",
                               "request": {"headers": {"X-GitHub-Event": "issues", "X-Hub-Signature-256": "sha256=6dcb09b5b57875f334f61aebed695e2e4193db5e"}, "payload": {"action": "opened"}}})


for sample in (chrome, ngrok, webhook_site, aws, svix, postman, http_file, github):
    sample()
