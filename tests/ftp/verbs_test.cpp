#include "proxy/ftp/verbs.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cctype>
#include <set>
#include <string>
#include <vector>

using namespace ftpsgate::ftp;
using namespace std::string_literals;

namespace {

constexpr auto last_verb = static_cast<std::size_t>(verb::mmd5);

std::vector<verb_row const*> all_rows() {
    std::vector<verb_row const*> rows;
    for (std::size_t i = 1; i <= last_verb; ++i)
        rows.push_back(&row_of(static_cast<verb>(i)));
    return rows;
}

std::set<std::string> names_where(bool verb_row::*property) {
    std::set<std::string> names;
    for (auto const* row : all_rows()) {
        if (row->*property) names.emplace(row->name);
    }
    return names;
}

std::set<std::string> names_of(treatment how) {
    std::set<std::string> names;
    for (auto const* row : all_rows()) {
        if (row->how == how) names.emplace(row->name);
    }
    return names;
}

using names = std::set<std::string>;

}  // namespace

TEST_CASE("verbs: every verb has a row of its own that is found by its name", "[ftp][verbs]") {
    names seen;
    for (auto const* row : all_rows()) {
        CAPTURE(row->name);
        CHECK_FALSE(row->name.empty());
        CHECK(seen.emplace(row->name).second);
        CHECK(&row_of(row->id) == row);
        CHECK(&find_verb(row->name) == row);
    }
    CHECK(seen.size() == last_verb);
}

TEST_CASE("verbs: case does not matter (B-011)", "[ftp][verbs]") {
    CHECK(find_verb("pasv").id == verb::pasv);
    CHECK(find_verb("pAsV").id == verb::pasv);
    CHECK(find_verb("p@sw").id == verb::p_at_sw);
    CHECK(find_verb("xsha256").id == verb::xsha256);
}

TEST_CASE("verbs: what is not in the table is unknown", "[ftp][verbs]") {
    auto const name = GENERATE(as<std::string>(), ""s, "X"s, "PASVX"s, "PAS"s, "P`SW"s, "PASS\0"s, "\0PASS"s,
                               "\0\0\0\0PASS"s, "PASV\t"s, " PASV"s, "XSHA2567"s, "XSHA25678901234567890"s, "DELE\xa0"s,
                               "\xff\xff\xff\xff"s, "["s, "UNKNOWN"s, "GET"s, "POST"s, "Host:"s);
    CAPTURE(name);
    CHECK(find_verb(name).id == verb::unknown);
    CHECK(&find_verb(name) == &row_of(verb::unknown));
}

TEST_CASE("verbs: the row of unknown refuses and a wrong enumerator finds it", "[ftp][verbs]") {
    CHECK(row_of(verb::unknown).how == treatment::refuse);
    CHECK(row_of(verb::unknown).group == verb::unknown);
    CHECK_FALSE(row_of(verb::unknown).before_login);
    CHECK(row_of(static_cast<verb>(255)).id == verb::unknown);
}

TEST_CASE("verbs: no random name is taken for a verb", "[ftp][verbs]") {
    names known;
    for (auto const* row : all_rows())
        known.emplace(row->name);
    for (char a = 'A'; a <= 'Z'; ++a) {
        for (char b = 'A'; b <= 'Z'; ++b) {
            for (char c = 'A'; c <= 'Z'; ++c) {
                std::string const three{a, b, c};
                REQUIRE((find_verb(three).id != verb::unknown) == known.count(three));
                for (char d = 'A'; d <= 'Z'; ++d) {
                    std::string const four{a, b, c, d};
                    auto const found = find_verb(four);
                    if (found.id != verb::unknown && found.name != four) FAIL(four);
                    if (found.id == verb::unknown && known.count(four) != 0) FAIL(four);
                }
            }
        }
    }
}

TEST_CASE("verbs: what may come before login (B-093, B-062, B-065, B-066)", "[ftp][verbs]") {
    CHECK(names_where(&verb_row::before_login) == names{"USER", "PASS", "ACCT", "AUTH", "PBSZ", "PROT", "HOST", "FEAT",
                                                        "OPTS", "CLNT", "HELP", "NOOP", "QUIT", "REIN", "STAT", "SYST",
                                                        "LANG", "CCC",  "ADAT", "MIC",  "CONF", "ENC"});
}

TEST_CASE("verbs: what may come in clear where TLS is required (B-172)", "[ftp][verbs]") {
    CHECK(names_where(&verb_row::in_clear) == names{"AUTH", "FEAT", "HELP", "HOST", "NOOP", "OPTS", "QUIT", "SYST"});
}

TEST_CASE("verbs: secrets are marked (A-101)", "[ftp][verbs]") {
    CHECK(names_where(&verb_row::secret) == names{"PASS", "ACCT", "ADAT", "MIC", "CONF", "ENC"});
}

TEST_CASE("verbs: data connections behind the gate's back are refused (B-067, B-148, A-031)", "[ftp][verbs]") {
    CHECK(names_of(treatment::refuse) == names{"P@SW", "LPSV", "LPRT", "SPSV", "XPSV", "XPRT", "SSCN", "CPSV"});
}

TEST_CASE("verbs: the gate answers what changes the session or its data connections", "[ftp][verbs]") {
    CHECK(names_of(treatment::gate) == names{"AUTH", "PBSZ", "PROT", "CCC",  "ADAT", "MIC",  "CONF", "ENC",
                                             "USER", "PASS", "ACCT", "HOST", "REIN", "QUIT", "FEAT", "OPTS",
                                             "HELP", "NOOP", "SYST", "STAT", "LANG", "CLNT", "ABOR", "PASV",
                                             "EPSV", "PORT", "EPRT", "PRET", "MODE", "STRU", "REST", "SITE"});
}

TEST_CASE("verbs: transfers and their directions", "[ftp][verbs]") {
    CHECK(names_of(treatment::transfer) == names{"RETR", "STOR", "APPE", "STOU", "LIST", "NLST", "MLSD"});
    for (auto const* row : all_rows()) {
        CAPTURE(row->name);
        CHECK((row->how == treatment::transfer) == (row->data != direction::none));
    }
    CHECK(row_of(verb::retr).data == direction::download);
    for (auto const id : {verb::stor, verb::appe, verb::stou})
        CHECK(row_of(id).data == direction::upload);
    for (auto const id : {verb::list, verb::nlst, verb::mlsd})
        CHECK(row_of(id).data == direction::listing);
    CHECK(row_of(verb::stou).arg == argument::optional);
    CHECK(row_of(verb::list).arg == argument::optional);
    CHECK(row_of(verb::retr).arg == argument::required);
    CHECK(row_of(verb::appe).arg == argument::required);
}

TEST_CASE("verbs: aliases share a leader (A-052)", "[ftp][verbs]") {
    auto const leads = [](verb leader, std::vector<verb> const& followers) {
        CHECK(row_of(leader).group == leader);
        for (auto const each : followers)
            CHECK(row_of(each).group == leader);
    };
    leads(verb::mkd, {verb::xmkd});
    leads(verb::rmd, {verb::xrmd});
    leads(verb::cwd, {verb::xcwd});
    leads(verb::cdup, {verb::xcup});
    leads(verb::pwd, {verb::xpwd});
    leads(verb::stor, {verb::stou, verb::appe});
    leads(verb::list, {verb::nlst, verb::mlsd, verb::mlst});
    leads(verb::stat, {});
    std::size_t followers = 0;
    for (auto const* row : all_rows())
        followers += row->group != row->id ? 1u : 0u;
    CHECK(followers == 10);
}

TEST_CASE("verbs: which arguments a verb takes", "[ftp][verbs]") {
    for (auto const id : {verb::feat, verb::quit, verb::pasv, verb::abor, verb::syst, verb::pwd, verb::cdup, verb::ccc})
        CHECK(row_of(id).arg == argument::none);  // B-095 for FEAT
    for (auto const id :
         {verb::auth, verb::pbsz, verb::prot, verb::user, verb::port, verb::eprt, verb::rnfr, verb::dele})
        CHECK(row_of(id).arg == argument::required);  // B-033, B-048, B-054
    for (auto const id : {verb::pass, verb::epsv, verb::stat, verb::help})
        CHECK(row_of(id).arg == argument::optional);
    // 502 for whatever stands behind them, never 501.
    for (auto const id : {verb::p_at_sw, verb::sscn, verb::cpsv})
        CHECK(row_of(id).arg == argument::optional);
}

TEST_CASE("verbs: HELP lists what is accepted, in table order (B-102)", "[ftp][verbs]") {
    std::size_t count = 0;
    auto const* first = accepted_verbs(count);
    std::vector<std::string_view> const listed(first, first + count);
    CHECK(count == last_verb - 8 - 5);
    CHECK(listed.front() == "AUTH");
    CHECK(std::is_sorted(listed.begin(), listed.end(),
                         [](auto left, auto right) { return find_verb(left).id < find_verb(right).id; }));
    for (auto const* never : {"P@SW", "CPSV", "MIC", "ENC", "ADAT", "REIN", ""}) {
        CHECK(std::find(listed.begin(), listed.end(), never) == listed.end());
    }
}
