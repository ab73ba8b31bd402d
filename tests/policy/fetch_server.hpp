// An HTTP server on a port of 127.0.0.1 that the kernel chooses, with a thread of its own: gives each path what the
// test wrote, keeps answers back where it is told to, and counts. Other paths are answered 404. All functions may be
// called from any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace ftpsgate::test {

class fetch_server {
public:
    /// From the request's body to the answer's; called on the server's thread.
    using answerer = std::function<std::string(std::string const& body)>;

    fetch_server();
    ~fetch_server();  ///< closes what is open
    fetch_server(fetch_server const&) = delete;
    fetch_server& operator=(fetch_server const&) = delete;

    /// "http://127.0.0.1:PORT" + path.
    std::string url(std::string const& path) const;

    void serve(std::string const& path, std::string body, std::string type = "application/pkix-crl");
    void answer(std::string const& path, answerer how, std::string type = "application/ocsp-response");
    void remove(std::string const& path);  ///< 404 from now on
    /// Requests for `path` are read and not answered, until release().
    void hold(std::string const& path);
    void release(std::string const& path);

    std::size_t requests(std::string const& path) const;
    std::size_t connections() const;
    /// Until there were so many requests for `path`; false: not within `patience`.
    bool wait_for(std::string const& path, std::size_t requests,
                  std::chrono::milliseconds patience = std::chrono::seconds(20)) const;

private:
    struct room;
    std::unique_ptr<room> room_;
};

}  // namespace ftpsgate::test
