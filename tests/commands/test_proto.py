import json, pytest, random
from pathlib import Path
def http(status, body=b"", mt="application/json", *more):
    head = [f"HTTP/1.1 {status} Said", f"Content-Type: {mt}", f"Content-Length: {len(body)}", *more]
    return "\r\n".join([*head, "Connection: close", "", ""]).encode() + body
G = {
 "random": random.Random(1).randbytes(2000),
 "html": http(200, b"<html>hi</html>", "text/html"),
 "empty200": http(200), "empty500": http(500), "text500": http(500, b"oops", "text/plain"),
 "null": http(200, b"null"), "list": http(200, b"[]"), "str": http(200, b'"x"'), "num": http(200, b"7"), "obj": http(200, b"{}"),
 "utf8": http(200, b'{"id": "\xff\xfe"}'), "trunc": b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"id": "a',
 "close": b"", "closehdr": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n",
 "closeinhdr": b"HTTP/1.1 200 OK\r\nContent-Ty",
 "9mb": http(200, b'{"a": "' + b"x" * (9 << 20) + b'"}'),
 "redir": http(302, b"", "text/html", "Location: http://127.0.0.1:9/"),
 "429": http(429, b"slow", "text/plain"), "404": http(404, b"no", "text/plain"), "404e": http(404), "400html": http(400, b"<html>", "text/html"), "400j": http(400, b"[]"), "401": http(401, b'{}'),
 "gzip": http(200, b"nope", "application/json", "Content-Encoding: gzip"),
 "deep": http(200, b"[" * 200000), "deepobj": http(200, b'{"a":' * 100000),
 "503": http(503, b"{}"),
}
@pytest.mark.parametrize("provider", ["dots", "stripe"])
@pytest.mark.parametrize("name", G)
@pytest.mark.parametrize("after", [0, 1, 2, 40])
def test_it(turning, certify, tmp_path, name, provider, after):
    wire = turning(provider, G[name], after)
    r = certify("--provider", provider, "--target", wire.url, "--api-key", "reference-client:reference-key" if provider=="dots" else "sk_test_reference")
    exc = r.exception if not isinstance(r.exception, SystemExit) else None
    cert = tmp_path/"out"/"certificate.json"
    bad = []
    if cert.exists():
        c = json.loads(cert.read_text())
        for row in c["requirements"]:
            if row["verdict"] == "pass" and all(n > after for n in row["exchanges"]):
                bad.append(row["id"]+":"+row["check"])
    with open("/tmp/proto.txt", "a") as f:
        f.write(f"{provider} {name} after={after}: exit {r.exit_code} exc={exc!r} bad={len(bad)} {bad[:60]}\n")
        if after < 2 and provider=="dots": f.write("    " + r.output[-300:].replace("\n", "\n    ") + "\n")
