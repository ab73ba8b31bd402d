"""A small HTTP server on loopback for CRLs, OCSP and issuers' certificates: an answer for each path, counters, and
every way to misbehave. It listens on 127.0.0.3, which the gate has to be told in url_allow."""
import http.server
import socket
import threading

HOST = "127.0.0.3"
CRL, OCSP, CERTIFICATE = "application/pkix-crl", "application/ocsp-response", "application/pkix-cert"


class Request:
    def __init__(self, method, path, body, kind):
        self.method, self.path, self.body, self.kind = method, path, body, kind


class Answer:
    """`kind` is the content type; `headers` come on top, and may replace Content-Length."""

    def __init__(self, body=b"", status=200, kind=CRL, headers=None):
        self.body, self.status, self.kind, self.headers = body, status, kind, headers or {}


def redirect(url):
    return Answer(status=302, headers={"Location": url})


class _Handler(http.server.BaseHTTPRequestHandler):
    """An answer is an Answer, bytes, or a callable that gets the Request, or (takes_stream) the handler itself."""
    timeout = 30

    def do_GET(self):
        self._serve(b"")

    def do_POST(self):
        self._serve(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _serve(self, body):
        request = Request(self.command, self.path, body, self.headers.get("Content-Type"))
        answer = self.server.owner.take(request)
        try:
            if getattr(answer, "takes_stream", False):
                return answer(self)
            if callable(answer):
                answer = answer(request)
            self.write(answer if isinstance(answer, Answer) else Answer(answer))
        except (BrokenPipeError, ConnectionResetError):
            pass                                # the gate had enough

    def write(self, answer):
        self.send_response(answer.status)
        headers = {"Content-Type": answer.kind, "Content-Length": len(answer.body), **answer.headers}
        for name, value in headers.items():
            if value is not None:
                self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *_):
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def get_request(self):
        accepted = super().get_request()
        self.owner.connections += 1
        return accepted

    def handle_error(self, *_):
        pass                                    # connections that break are what some tests are about


class HttpServer:
    """`connections` counts all, `requests` holds what was asked for each path."""

    def __init__(self, host=HOST):
        self.server = _Server((host, 0), _Handler)
        self.server.owner = self
        self.host, self.port = self.server.server_address
        self.answers, self.requests, self.connections = {}, {}, 0
        self.lock, self.ending, self.number = threading.Lock(), threading.Event(), 0
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self):
        self.ending.set()
        self.server.shutdown()
        self.server.server_close()

    def serve(self, answer=None, stem="list"):
        """A URL of its own for this answer, 404 without one; change it later with set()."""
        with self.lock:
            self.number += 1
            path = f"/{stem}-{self.number}"
        self.answers[path] = Answer(status=404) if answer is None else answer
        return f"http://{self.host}:{self.port}{path}"

    def set(self, url, answer):
        self.answers[self._path(url)] = answer

    def count(self, *urls):
        """How often these were asked for, together."""
        return sum(len(self.requests.get(self._path(url), ())) for url in urls)

    def asked(self, url):
        return self.requests.get(self._path(url), [])

    def take(self, request):
        with self.lock:
            self.requests.setdefault(request.path, []).append(request)
        return self.answers.get(request.path, Answer(status=404))

    def _path(self, url):
        return "/" + url.split("/", 3)[3]

    # Misbehaviour.

    def stream(self, play):
        """An answer that writes by itself: play(handler)."""
        def answer(handler):
            play(handler)
            handler.close_connection = True
        answer.takes_stream = True
        return answer

    def hang(self, until=None):
        """Takes the request and says nothing until the event is set, or the server stops; then it closes."""
        return self.stream(lambda _handler: (until or self.ending).wait(20))

    def slow(self, body, pause=0.05):
        """A byte at a time."""
        def play(handler):
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/pkix-crl\r\nContent-Length: %d\r\n\r\n"
                                % len(body))
            for byte in body:
                if self.ending.wait(pause):
                    return
                handler.wfile.write(bytes([byte]))
        return self.stream(play)

    def endless(self, chunked=False):
        """More and more, without a length."""
        def play(handler):
            head = b"Transfer-Encoding: chunked\r\n" if chunked else b""
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/pkix-crl\r\n" + head + b"\r\n")
            piece = b"\0" * 65536
            while not self.ending.is_set():
                handler.wfile.write(b"10000\r\n" + piece + b"\r\n" if chunked else piece)
        return self.stream(play)

    def once(self, first, then):
        """`first` to the first request, `then` afterwards. Both Answers or bytes."""
        left = [first]
        return lambda _request: left.pop() if left else then


def closed_url(path="nobody"):
    """Where nothing listens: the port was the kernel's choice a moment ago."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return f"http://{HOST}:{probe.getsockname()[1]}/{path}"
