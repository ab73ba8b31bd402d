#include "proxy/ftp/rewrite.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>
#include <vector>

using namespace ftpsgate::ftp;
using namespace std::string_literals;

namespace {

using texts = std::vector<std::string>;

reply with_lines(int code, texts lines) {
    reply made;
    made.code = code;
    made.lines = std::move(lines);
    return made;
}

// The feature lines of a merged reply, without the space that each begins with.
texts merged(texts const& backend, own_features const& own) {
    auto const answer = merge_features(backend, own);
    CHECK(answer.code == 211);
    CHECK(answer.lines.back() == "End");
    texts features;
    for (std::size_t i = 1; i + 1 < answer.lines.size(); ++i) {
        auto const& line = answer.lines[i];
        CHECK(line.substr(0, 1) == " ");
        CHECK(line.substr(1, 1) != " ");
        features.push_back(line.substr(1));
    }
    return features;
}

own_features const nothing{false, false, false, false};

texts kept(texts const& backend) {
    auto features = merged(backend, nothing);
    features.erase(std::remove_if(features.begin(), features.end(),
                                  [](auto const& each) { return each == "EPSV" || each == "PASV"; }),
                   features.end());
    return features;
}

std::string hidden(std::string line, texts const& names, std::string const& instead = "GATE") {
    reply answer(220, std::move(line));
    hide_addresses(answer, names, instead);
    return answer.lines.front();
}

}  // namespace

TEST_CASE("rewrite: the features of a FEAT reply", "[ftp][rewrite]") {
    CHECK(features_of(with_lines(211, {"Features:", " SIZE", "  MLST a*;b*; ", "\tUTF8", "", "End"})) ==
          texts{"SIZE", "MLST a*;b*;", "UTF8"});
    CHECK(features_of(with_lines(211, {"Features:", "211-SIZE", "211-  MDTM", "211-", "End"})) ==
          texts{"SIZE", "MDTM"});
    CHECK(features_of(reply(211, "no features")).empty());
    CHECK(features_of(with_lines(211, {"Features:", "End"})).empty());
    CHECK(features_of(with_lines(211, {})).empty());
    CHECK(features_of(with_lines(502, {"What?", " SIZE", "End"})).empty());
}

TEST_CASE("rewrite: the gate's own features without a backend (B-094, B-096, B-098)", "[ftp][rewrite]") {
    CHECK(merged({}, {true, true, true, true}) ==
          texts{"AUTH TLS", "CCC", "EPRT", "EPSV", "HOST", "PASV", "PBSZ", "PROT"});
    CHECK(merged({}, {true, false, false, true}) == texts{"AUTH TLS", "EPRT", "EPSV", "PASV", "PBSZ", "PROT"});
    CHECK(merged({}, nothing) == texts{"EPSV", "PASV"});
    CHECK(merged({}, {false, true, false, false}) == texts{"EPSV", "PASV"});
    CHECK(render(merge_features({}, nothing)) == "211-Features:\r\n EPSV\r\n PASV\r\n211 End\r\n");
}

TEST_CASE("rewrite: harmless features of the backend are kept as they are (B-094)", "[ftp][rewrite]") {
    texts const features{"SIZE",
                         "MDTM",
                         "REST STREAM",
                         "MLST type*;size*;",
                         "TVFS",
                         "UTF8",
                         "MFMT",
                         "LANG en*;de",
                         "HASH SHA-256*;MD5",
                         "XCRC filename;start;end",
                         "CLNT",
                         "CSID",
                         "MODE Z",
                         "SITE MKDIR",
                         "PRET",
                         "mfct",
                         "XSHA1",
                         "MMD5",
                         "AVBL"};
    CHECK(kept(features) == features);
}

TEST_CASE("rewrite: what the gate does not let through is not offered (B-094, B-107)", "[ftp][rewrite]") {
    auto const feature = GENERATE(as<std::string>(), "AUTH TLS"s, "AUTH TLS;SSL"s, "auth ssl"s, "PBSZ"s, "PROT"s,
                                  "CCC"s, "SSCN"s, "CPSV"s, "HOST"s, "ADAT"s, "MIC"s, "CONF"s, "ENC"s, "LPRT"s, "LPSV"s,
                                  "SPSV"s, "P@SW"s, "ESTA"s, "XYZZY"s, "MODE B"s, "MODE C"s, "MODE"s, "MODE ZZ"s,
                                  "SIZEX"s, "SIZE\x01"s, ""s, "  "s, "EPSV"s, "PASV"s, "EPRT"s, "SITE"s, "SITE EXEC"s);
    CAPTURE(feature);
    CHECK(kept({feature}).empty());
}

TEST_CASE("rewrite: denied SITE commands are taken out of the line (B-106)", "[ftp][rewrite]") {
    CHECK(kept({"SITE EXEC;CHMOD;cpfr;IDLE"}) == texts{"SITE CHMOD;IDLE"});
    CHECK(kept({"SITE MKDIR;SITE CPTO;SITE UTIME"}) == texts{"SITE MKDIR;SITE UTIME"});
    CHECK(kept({"SITE CPFR;SITE CPTO; SITE EXEC ;PSWD"}).empty());
    CHECK(kept({"SITE ;; CHMOD mode ;"}) == texts{"SITE CHMOD mode"});
}

TEST_CASE("rewrite: the backend's UTF8 is what the client sees of it (B-094)", "[ftp][rewrite]") {
    auto const has_utf8 = [](texts const& backend) {
        auto const features = merged(backend, {});
        return std::count(features.begin(), features.end(), "UTF8");
    };
    CHECK(has_utf8({"SIZE"}) == 0);
    CHECK(has_utf8({"UTF8", "SIZE"}) == 1);
}

TEST_CASE("rewrite: own features first, then the backend's in its order, none twice", "[ftp][rewrite]") {
    CHECK(merged({"UTF8", "SIZE", "utf8", "EPSV", "AUTH TLS", "SIZE", "MDTM"}, {}) ==
          texts{"AUTH TLS", "EPRT", "EPSV", "PASV", "PBSZ", "PROT", "UTF8", "SIZE", "MDTM"});
}

TEST_CASE("rewrite: feature lines are cleaned and bounded (A-047, B-022)", "[ftp][rewrite]") {
    CHECK(kept({"SIZE \x1b[2J\r\n211 End"}) == texts{"SIZE ?[2J??211 End"});
    CHECK(kept({"SIZE " + std::string(500, 'x')}) == texts{"SIZE " + std::string(123, 'x')});
    std::string facts = "MLST ";
    while (facts.size() < 200)
        facts += "unix.mode*;";
    auto const shortened = kept({facts}).front();
    CHECK(shortened.size() <= 128);
    CHECK(shortened.back() == ';');
    CHECK(facts.substr(0, shortened.size()) == shortened);

    texts many;
    for (int i = 0; i < 1000; ++i)
        many.push_back("SITE X" + std::to_string(i));
    auto const features = merged(many, {});
    CHECK(features.size() == 64);
    CHECK(features.front() == "AUTH TLS");
}

TEST_CASE("rewrite: the backend's addresses are replaced wherever they stand (A-032)", "[ftp][rewrite]") {
    texts const names{"10.0.0.5", "10,0,0,5", "ftp1.internal"};
    CHECK(hidden("Welcome to 10.0.0.5", names) == "Welcome to GATE");
    CHECK(hidden("10.0.0.5", names) == "GATE");
    CHECK(hidden("[10.0.0.5]:21 10.0.0.5:21 10.0.0.5. 10.0.0.5, (10.0.0.5)", names) ==
          "[GATE]:21 GATE:21 GATE. GATE, (GATE)");
    CHECK(hidden("10.0.0.5 10.0.0.5", names) == "GATE GATE");
    CHECK(hidden("(10,0,0,5,7,229)", names) == "(GATE,7,229)");
    CHECK(hidden("FTP1.Internal FTP server (ftp1.internal.) ready", names) == "GATE FTP server (GATE.) ready");
    CHECK(hidden("ip10.0.0.5x", names) == "ipGATEx");
}

TEST_CASE("rewrite: only whole addresses are replaced (A-032)", "[ftp][rewrite]") {
    texts const names{"10.0.0.5", "10,0,0,5", "ftp1.internal", "2001:db8::1"};
    auto const line =
        GENERATE("10.0.0.55", "110.0.0.5", "1.10.0.0.5", "10.0.0.5.6", "10,0,0,55", "110,0,0,5", "xftp1.internal",
                 "ftp1.internals", "my-ftp1.internal", "ftp1.internal-2", "sub.ftp1.internal", "ftp1.internal.example",
                 "2001:db8::12", "2001:db8::1:2", "a2001:db8::1", "1:2001:db8::1", "10.0.0", "");
    CAPTURE(line);
    CHECK(hidden(line, names) == line);
}

TEST_CASE("rewrite: IPv6 addresses are replaced, too", "[ftp][rewrite]") {
    texts const names{"2001:db8::1"};
    CHECK(hidden("[2001:DB8::1]:21 2001:db8::1: no, 2001:db8::1.", names) == "[GATE]:21 GATE: no, GATE.");
}

TEST_CASE("rewrite: a replacement is not looked into again", "[ftp][rewrite]") {
    CHECK(hidden("10.0.0.5", {"10.0.0.5"}, "10.0.0.5") == "10.0.0.5");
    CHECK(hidden("a a", {"a"}, "a a") == "a a a a");
    CHECK(hidden("text", {""}) == "text");
    CHECK(hidden("text", {}) == "text");
}

TEST_CASE("rewrite: every line of a reply is looked through", "[ftp][rewrite]") {
    auto answer = with_lines(230, {"at 10.0.0.5", " 10.0.0.5", "10.0.0.5 bye"});
    hide_addresses(answer, {"10.0.0.5"}, "192.0.2.1");
    CHECK(answer.lines == texts{"at 192.0.2.1", " 192.0.2.1", "192.0.2.1 bye"});
}

TEST_CASE("rewrite: codes that would change a client's state are not shown (A-046, B-021)", "[ftp][rewrite]") {
    for (int const code : {232, 234, 235, 334, 335, 336, 600, 631, 632, 633, 999, 0, 99, -1, 1000}) {
        CAPTURE(code);
        CHECK_FALSE(may_be_shown(code));
    }
    for (int const code : {100, 125, 150, 200, 226, 230, 233, 250, 257, 331, 332, 333, 350, 421, 530, 550, 599}) {
        CAPTURE(code);
        CHECK(may_be_shown(code));
    }
}
