# Serves the handler of a skill that is written for AWS Lambda. Arguments: the module, the name of the handler, a word that
# lines for the caller begin with. It ends when its standard input does.
import importlib.util
import json
import os
import sys
import threading
import time
import traceback
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FILE, NAME, WORD = sys.argv[1:4]
TIMEOUT = 10.0  # the service waits no longer


def say(message):
    sys.stdout.write("\n" + WORD + json.dumps(message) + "\n")
    sys.stdout.flush()


def end_with_input():
    try:
        while sys.stdin.buffer.read(4096):
            pass
    finally:
        os._exit(0)


class Context:
    function_version = "$LATEST"
    memory_limit_in_mb = "128"
    log_group_name = log_stream_name = "jackfield"
    identity = client_context = None

    def __init__(self):
        self.function_name = os.path.basename(FILE)
        self.invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:" + self.function_name
        self.aws_request_id = str(uuid.uuid4())
        self._ends = time.monotonic() + TIMEOUT

    def get_remaining_time_in_millis(self):
        return max(0, int((self._ends - time.monotonic()) * 1000))


def load():
    directory = os.path.dirname(os.path.abspath(FILE))
    sys.path.insert(0, directory)
    name = os.path.splitext(os.path.basename(FILE))[0]
    try:
        spec = importlib.util.spec_from_file_location(name, FILE)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    except BaseException:
        say({"problem": "load", "message": traceback.format_exc()})
        os._exit(1)
    names = ["lambda_handler", "handler"] if NAME == "handler" else [NAME]
    for one in names:
        if callable(getattr(module, one, None)):
            return getattr(module, one)
    public = [one for one, value in vars(module).items() if callable(value) and not one.startswith("_")]
    say({"problem": "no_handler", "message": ", ".join(public)})
    os._exit(1)


class Skill(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            event = json.loads(body)
        except ValueError:
            return self.answer(400, {"errorType": "BadRequest", "errorMessage": "The body is not JSON."})
        try:
            self.answer(200, HANDLER(event, Context()))
        except Exception as error:
            kind = (event.get("request") or {}).get("type") if isinstance(event, dict) else None
            say({"threw": traceback.format_exc(), "on": kind})
            self.answer(500, {"errorType": type(error).__name__, "errorMessage": str(error)})

    def answer(self, status, body):
        text = json.dumps({} if body is None else body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json;charset=UTF-8")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


threading.Thread(target=end_with_input, daemon=True).start()
HANDLER = load()
SERVER = ThreadingHTTPServer(("127.0.0.1", 0), Skill)
say({"port": SERVER.server_address[1]})
SERVER.serve_forever()
