// Input: where the text is cut, and what a balancer sends first. However it is cut, the outcome is the same; what is
// understood survives being written and read.
#include "proxy/data/proxy_protocol.hpp"
#include "tests/fuzz/input.hpp"

#include <algorithm>
#include <string>

using namespace ftpsgate;

namespace {

struct outcome {
    data::proxy_header_reader::status now = data::proxy_header_reader::status::incomplete;
    std::size_t taken = 0;
    std::optional<data::connection_ends> ends;
    bool operator==(outcome const&) const = default;
};

outcome read(std::string_view text, std::size_t cut) {
    data::proxy_header_reader reader;
    outcome all;
    for (auto const portion : {text.substr(0, cut), text.substr(cut)}) {
        if (all.now != data::proxy_header_reader::status::incomplete) break;
        auto const step = reader.feed(portion);
        all.now = step.now;
        all.taken += step.taken;
    }
    all.ends = reader.ends();
    return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using status = data::proxy_header_reader::status;
    fuzz::input in(data, size);
    std::size_t const cut = in.byte();
    auto const text = in.rest();
    auto const whole = read(text, text.size());
    fuzz::require(read(text, std::min(cut, text.size())) == whole, "a cut changes nothing");
    fuzz::require(whole.taken <= text.size(), "no more is taken than there is");
    fuzz::require(whole.taken <= 16 + data::proxy_header_reader::longest_rest, "a header has a limit");
    fuzz::require(whole.now != status::incomplete || whole.taken == text.size(), "an incomplete header takes all");
    fuzz::require(!whole.ends || whole.now == status::complete, "ends are those of a complete header");
    if (whole.taken >= 6 && whole.now != status::malformed)
        fuzz::require(data::begins_like_proxy_header(text), "a header begins like one");
    if (!whole.ends) return 0;
    std::string const written = data::format_proxy_header(data::proxy_version::v2, *whole.ends);
    auto const again = read(written, written.size());
    fuzz::require(again.ends.has_value() && again.taken == written.size(), "a header survives");
    auto const line = data::format_proxy_header(data::proxy_version::v1, *again.ends);
    fuzz::require(read(line, line.size()).ends == again.ends, "both versions say the same");
    return 0;
}
