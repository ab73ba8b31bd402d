#include "policy/url_rules.hpp"

#include "config/networks.hpp"

#include <catch2/catch.hpp>

#include <arpa/inet.h>
#include <iterator>
#include <sstream>

using namespace ftpsgate;
using policy::url_rules;
using origin = policy::url_rules::origin;

namespace {

policy::ip_bytes address(std::string const& text) {
    policy::ip_bytes bytes{};
    auto const as_ipv6 = text.find(':') == text.npos ? "::ffff:" + text : text;
    REQUIRE(inet_pton(AF_INET6, as_ipv6.c_str(), bytes.data()) == 1);
    return bytes;
}

std::string outcome(std::string_view text) {
    auto const url = policy::parse_http_url(text);
    return url ? url->host + " " + std::to_string(url->port) + " " + url->target : "refused";
}

std::vector<std::string> words_of(std::string const& text) {
    std::istringstream stream(text);
    return {std::istream_iterator<std::string>(stream), {}};
}

url_rules rules(std::vector<std::string> const& written) {
    std::vector<config::url_permission> allowed;
    for (auto const& one : written)
        allowed.push_back(*config::parse_url_permission(one));
    return url_rules(allowed);
}

bool may_resolve(url_rules const& by, std::string const& url, origin from = origin::verified) {
    return by.may_resolve(policy::parse_http_url(url).value(), from);
}

bool may_connect(url_rules const& by, std::string const& url, std::string const& to, origin from = origin::verified) {
    return by.may_connect(policy::parse_http_url(url).value(), address(to), from);
}

}  // namespace

TEST_CASE("url_rules: an http URL is taken apart", "[policy][url_rules]") {
    auto const [text, expected] = GENERATE(table<char const*, char const*>({
        {"http://crl.example.com/ca.crl", "crl.example.com 80 /ca.crl"},
        {"HTTP://CRL.Example.COM/CA.crl", "crl.example.com 80 /CA.crl"},
        {"http://a", "a 80 /"},
        {"http://a/", "a 80 /"},
        {"http://a:/x", "a 80 /x"},
        {"http://a?serial=1", "a 80 /?serial=1"},
        {"http://a/x?y=/z?:@", "a 80 /x?y=/z?:@"},
        {"http://a:8080/x", "a 8080 /x"},
        {"http://a:00080", "a 80 /"},
        {"http://a:65535", "a 65535 /"},
        {"http://192.0.2.1/x", "192.0.2.1 80 /x"},
        {"http://2130706433/", "2130706433 80 /"},
        {"http://[2001:DB8::0:1]:81/x", "2001:db8::1 81 /x"},
        {"http://[::ffff:127.0.0.1]/", "::ffff:127.0.0.1 80 /"},
        {"http://a/My%20CA(1)+.crl", "a 80 /My%20CA(1)+.crl"},
        {"http://under_score.example/", "under_score.example 80 /"},
        {"http://a/..//./x", "a 80 /..//./x"},
    }));
    CAPTURE(text);
    CHECK(outcome(text) == expected);
}

TEST_CASE("url_rules: what is no http URL of the plain kind is refused (A-081)", "[policy][url_rules]") {
    for (auto const& text :
         words_of("http http: http:/ http:// http:///x //a/x a/x /x https://a/ ldap://a/ file:///etc/passwd ftp://a/ "
                  "gopher://a/ httpx://a/ http:a/ http:\\\\a/ http://a\\@b/ http://x@a/ http://x:y@a/ http://@a/ "
                  "http://a@/ http://a/x#y http://a# http://a/<x> http://a/\" http://a/{x} http://a/| http://a/^ "
                  "http://a/` http://a/% http://a/%2 http://a/%zz http://a/[x] http://a:0/ http://a:65536/ "
                  "http://a:000080/ http://a:-1/ http://a:+80/ http://a:8o/ http://a:80:80/ http://:80/ http://?x "
                  "http://a%2eb/ http://%61/ http://.a/ http://a./ http://a..b/ http://-a/ http://*.a/ http://a,b/ "
                  "http://[::1/ http://[::1]x/ http://[::1]]/ http://[]/ http://[127.0.0.1]/ http://[v1.x]/ "
                  "http://[fe80::1%25eth0]/ http://[fe80::1%eth0]/ http://::1/ http://[::g]/")) {
        CAPTURE(text);
        CHECK(outcome(text) == "refused");
    }
}

TEST_CASE("url_rules: bytes outside printable ASCII, and blanks, are refused", "[policy][url_rules]") {
    using namespace std::string_view_literals;
    auto const text =
        GENERATE(""sv, " http://a/"sv, "http://a/ "sv, "http://a b/"sv, "http://a/x y"sv, "http://a/\r\nHost: b"sv,
                 "http://a/\tx"sv, "http://a\n/"sv, "http://a/\x7f"sv, "http://a/\xc3\xbc"sv,
                 "http://\xc3\xbc.example/"sv, "http://a/\0x"sv, "http://a\0.b/"sv);
    CAPTURE(text);
    CHECK(outcome(text) == "refused");
}

TEST_CASE("url_rules: a URL has at most 2048 bytes", "[policy][url_rules]") {
    std::string const start = "http://a/";
    CHECK(policy::parse_http_url(start + std::string(2048 - start.size(), 'x')));
    CHECK_FALSE(policy::parse_http_url(start + std::string(2049 - start.size(), 'x')));
    CHECK_FALSE(policy::parse_http_url("http://" + std::string(64, 'a') + "/"));
}

TEST_CASE("url_rules: addresses that are not reachable from everywhere are not public (A-081)", "[policy][url_rules]") {
    for (auto const& text : words_of(
             "0.0.0.0 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.127.255.255 127.0.0.1 127.255.255.255 "
             "169.254.169.254 172.16.0.0 172.31.255.255 192.0.0.1 192.0.2.1 192.88.99.1 192.168.0.0 "
             "192.168.255.255 198.18.0.0 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 "
             "240.0.0.0 255.255.255.255 :: ::1 ::127.0.0.1 ::8.8.8.8 fe80::1 febf::1 fec0::1 fc00::1 fd00:ec2::254 "
             "ff02::1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b::10.0.0.1 64:ff9b:1::808:808 2002:7f00:1::1 "
             "2002:a00:1:: 2002:c0a8:101::1 2001:db8::1 2001::1 2001:0:808:808::1 2001:20::1 100::1 3fff::1 "
             "5f00::1 1::1 4000::1 ::ffff:0:127.0.0.1")) {
        CAPTURE(text);
        CHECK_FALSE(policy::is_public(address(text)));
    }
}

TEST_CASE("url_rules: addresses beside those are public", "[policy][url_rules]") {
    for (auto const& text :
         words_of("1.0.0.0 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 "
                  "169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.0.3.0 192.88.98.1 "
                  "192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 198.51.99.1 203.0.112.1 223.255.255.255 "
                  "2001:200::1 2001:db9::1 2606:4700::1111 3ffe::1 3fff:1000::1 64:ff9b::808:808 2002:808:808::1 "
                  "2a00::1")) {
        CAPTURE(text);
        CHECK(policy::is_public(address(text)));
    }
}

TEST_CASE("url_rules: a verified chain's URLs may lead to public addresses on port 80", "[policy][url_rules]") {
    auto const none = rules({});
    CHECK(may_resolve(none, "http://crl.example/"));
    CHECK(may_connect(none, "http://crl.example/", "8.8.8.8"));
    CHECK(may_connect(none, "http://[2606:4700::1111]/", "2606:4700::1111"));
    CHECK_FALSE(may_connect(none, "http://crl.example/", "127.0.0.1"));
    CHECK_FALSE(may_connect(none, "http://crl.example:8080/", "8.8.8.8"));
    CHECK_FALSE(may_resolve(none, "http://crl.example:8080/"));
    CHECK_FALSE(may_resolve(none, "http://10.0.0.1/"));
    CHECK_FALSE(may_resolve(none, "http://[::1]/"));
    CHECK_FALSE(may_resolve(none, "http://[::ffff:127.0.0.1]/"));
}

TEST_CASE("url_rules: an unverified certificate's lead to what is named only (B-265)", "[policy][url_rules]") {
    CHECK_FALSE(may_resolve(rules({}), "http://crl.example/", origin::unverified));
    CHECK_FALSE(may_resolve(rules({}), "http://8.8.8.8/", origin::unverified));
    CHECK_FALSE(may_connect(rules({}), "http://crl.example/", "8.8.8.8", origin::unverified));
    auto const one = rules({"crl.example:80", "10.1.0.0/16"});
    CHECK(may_resolve(one, "http://crl.example/", origin::unverified));
    CHECK(may_connect(one, "http://crl.example/", "8.8.8.8", origin::unverified));
    CHECK(may_connect(one, "http://other.example/", "10.1.2.3", origin::unverified));
    CHECK_FALSE(may_connect(one, "http://other.example/", "8.8.8.8", origin::unverified));
}

TEST_CASE("url_rules: a name that is allowed may lead anywhere, on its port", "[policy][url_rules]") {
    auto const one = rules({"CRL.plant:8080", "any.plant"});
    CHECK(may_resolve(one, "http://crl.plant:8080/"));
    CHECK(may_connect(one, "http://crl.PLANT:8080/", "127.0.0.1"));
    CHECK_FALSE(may_connect(one, "http://crl.plant/", "127.0.0.1"));
    CHECK_FALSE(may_resolve(one, "http://crl.plant:8081/"));
    CHECK_FALSE(may_connect(one, "http://sub.crl.plant:8080/", "127.0.0.1"));
    CHECK_FALSE(may_connect(one, "http://plant:8080/", "127.0.0.1"));
    CHECK(may_connect(one, "http://any.plant:1/", "::1"));
    CHECK(may_connect(one, "http://any.plant/", "169.254.169.254"));
}

TEST_CASE("url_rules: a network that is allowed counts for what the host was resolved to", "[policy][url_rules]") {
    auto const one = rules({"10.1.0.0/16:8080", "[fd00::/8]"});
    CHECK(may_resolve(one, "http://whatever:8080/"));
    CHECK(may_connect(one, "http://whatever:8080/", "10.1.255.255"));
    CHECK_FALSE(may_connect(one, "http://whatever:8080/", "10.2.0.0"));
    CHECK_FALSE(may_connect(one, "http://whatever/", "10.1.0.1"));
    CHECK(may_resolve(one, "http://10.1.2.3:8080/"));
    CHECK_FALSE(may_resolve(one, "http://10.2.2.3:8080/"));
    CHECK(may_connect(one, "http://whatever:1/", "fd12::1"));
    CHECK_FALSE(may_connect(one, "http://whatever:1/", "fc12::1"));
    CHECK(may_connect(one, "http://whatever/", "8.8.8.8"));  // still there
    CHECK_FALSE(may_connect(one, "http://whatever:8080/", "64:ff9b::10.1.0.1"));
}
