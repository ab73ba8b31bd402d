// When an OCSP response may be believed (B-268, A-088). The issuer's clock is five minutes off at most.
#include "tests/policy/ocsp_fixture.hpp"

#include <catch2/catch.hpp>

using namespace ftpsgate;
using namespace std::chrono_literals;

namespace {

struct clocks : test::ocsp_fixture {
    policy::time_point const now = test::hours_from_now(0);

    clocks() { rules = {.now = now, .nonce = {}, .skew = 300s, .max_age = 3600s}; }

    std::string judge_times(policy::time_point from, std::optional<policy::time_point> until,
                            std::optional<policy::time_point> produced = {}) const {
        auto single = good();
        single.this_update = from;
        single.next_update = until;
        auto made = with(single);
        made.produced_at = produced.value_or(std::min(from, now));
        return test::ocsp_fixture::judge(made);
    }
};

}  // namespace

TEST_CASE("ocsp: thisUpdate may be ahead by the skew, not more (B-268)", "[policy][ocsp]") {
    clocks const at;
    CHECK(at.judge_times(at.now, at.now + 1h) == "good");
    CHECK(at.judge_times(at.now + 300s, at.now + 1h) == "good");
    CHECK_THAT(at.judge_times(at.now + 301s, at.now + 1h), Catch::StartsWith("not valid before "));
    CHECK_THAT(at.judge_times(at.now + 301s, {}), Catch::StartsWith("not valid before "));
}

TEST_CASE("ocsp: an answer ends at nextUpdate, to the second (B-268)", "[policy][ocsp]") {
    clocks const at;
    CHECK(at.judge_times(at.now - 240h, at.now) == "good");
    CHECK_THAT(at.judge_times(at.now - 240h, at.now - 1s), Catch::StartsWith("expired at "));
    CHECK(at.judge_times(at.now + 10s, at.now + 9s, at.now) == "nextUpdate is before thisUpdate");
}

TEST_CASE("ocsp: without nextUpdate an answer is good for max_age (B-268)", "[policy][ocsp]") {
    clocks const at;
    CHECK(at.judge_times(at.now - 3600s, {}) == "good");
    CHECK_THAT(at.judge_times(at.now - 3601s, {}), Catch::StartsWith("too old, without nextUpdate"));
}

TEST_CASE("ocsp: producedAt is neither of the future nor before what it tells of (B-268)", "[policy][ocsp]") {
    clocks at;
    CHECK(at.judge_times(at.now - 2h, at.now + 1h, at.now + 300s) == "good");
    CHECK_THAT(at.judge_times(at.now - 2h, at.now + 1h, at.now + 301s), Catch::StartsWith("produced in the future"));
    CHECK(at.judge_times(at.now - 2h, at.now + 1h, at.now - 2h - 300s) == "good");
    CHECK(at.judge_times(at.now - 2h, at.now + 1h, at.now - 2h - 301s) == "produced before its thisUpdate");

    at.leaf = test::make_certificate({.not_before = at.now - 1h}, at.issuer);
    CHECK(at.judge_times(at.now - 1h, at.now + 1h) == "good");
    CHECK(at.judge_times(at.now - 2h, at.now + 1h) == "produced before the certificate was issued");
}

TEST_CASE("ocsp: years that a clock of nanoseconds does not know do no harm", "[policy][ocsp]") {
    clocks const at;
    policy::time_point const late = policy::time_point::max() - 24h;  // in 2262
    CHECK(at.judge_times(at.now - 1h, late) == "good");
    CHECK_THAT(at.judge_times(late, late), Catch::StartsWith("not valid before "));

    // Years from 0000 to 9999, by writing them over the text of the times. The answer is judged before its signature.
    auto const der = test::make_ocsp_response(at.request(), at.issuer, at.issuer);
    for (char const* year : {"0000", "0001", "1600", "1969", "2199", "2201", "9999"}) {
        auto bent = der;
        for (std::size_t i = 0; i + 17 <= bent.size(); ++i)
            if (bent[i] == 0x18 && bent[i + 1] == 15)
                std::copy(year, year + 4, bent.begin() + static_cast<long>(i) + 2);
        INFO(year);
        CHECK_THAT(at.judge(bent), !Catch::Equals("good") && !Catch::Equals("malformed"));
    }
}

TEST_CASE("ocsp: a time is GeneralizedTime of an existing second in UTC (RFC 5280 4.1.2.5.2)", "[policy][ocsp]") {
    clocks const at;
    auto const der = test::make_ocsp_response(at.request(), at.issuer, at.issuer);
    for (char const* text :
         {"20260229000000Z", "20261301000000Z", "20260100000000Z", "20260101240000Z", "20260101006000Z",
          "20260101000060Z", "20260101000000z", "2026010100000 Z", "-0260101000000Z", "20260101000000\x80"}) {
        auto bent = der;
        for (std::size_t i = 0; i + 17 <= bent.size(); ++i)
            if (bent[i] == 0x18 && bent[i + 1] == 15) {
                std::copy(text, text + 15, bent.begin() + static_cast<long>(i) + 2);
                break;
            }
        INFO(text);
        CHECK(at.judge(bent) == "malformed");
    }
}
