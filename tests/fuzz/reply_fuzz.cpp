// Input: the limits of a line and of a reply, how the rest is cut into reads, then what the backend sends.
#include "proxy/ftp/reply.hpp"
#include "tests/fuzz/input.hpp"

#include <string>
#include <vector>

using namespace ftpsgate;
using ftp::reply_parser;

namespace {

using result = std::variant<std::monostate, ftp::reply, ftp::reply_fault>;

void drain(reply_parser& parser, std::vector<result>& into) {
    for (result next = parser.next(); !std::holds_alternative<std::monostate>(next); next = parser.next()) {
        into.push_back(std::move(next));
    }
}

bool same(result const& left, result const& right) {
    if (left.index() != right.index()) return false;
    auto const* reply = std::get_if<ftp::reply>(&left);
    if (reply == nullptr) return std::get<ftp::reply_fault>(left) == std::get<ftp::reply_fault>(right);
    auto const& other = std::get<ftp::reply>(right);
    return reply->code == other.code && reply->lines == other.lines;
}

void check_reply(ftp::reply const& what) {
    fuzz::require(what.code >= 0 && what.code <= 999, "a code has three digits");
    fuzz::require(!what.lines.empty(), "a reply has a line");
    for (auto const& line : what.lines) {
        fuzz::require(ftp::without_controls(line) == line, "a parsed line holds no controls");
    }
    // What the client gets is one reply again, with as many lines and the same beginning and end.
    reply_parser again({1 << 20, 1 << 24});
    again.feed(ftp::render(what));
    auto const reread = again.next();
    auto const* same_reply = std::get_if<ftp::reply>(&reread);
    fuzz::require(same_reply != nullptr && same_reply->code == what.code, "what is written is a reply of that code");
    fuzz::require(same_reply->lines.size() == what.lines.size(), "no line is lost or won");
    fuzz::require(same_reply->lines.front() == what.lines.front(), "the first line stays");
    fuzz::require(same_reply->lines.back() == what.lines.back(), "the last line stays");
    fuzz::require(std::holds_alternative<std::monostate>(again.next()), "one reply, not two (A-074)");
    fuzz::require(!again.mid_reply(), "a written reply is complete");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    fuzz::input in(data, size);
    ftp::reply_limits limits;
    limits.line = in.byte() + 4u;
    limits.total = limits.line + in.byte() * 8u;
    std::size_t const step = in.byte() % 16 + 1u;
    reply_parser whole(limits);
    reply_parser pieces(limits);
    std::vector<result> from_whole;
    std::vector<result> from_pieces;
    whole.feed(in.rest());
    drain(whole, from_whole);
    while (!in.rest().empty()) {
        pieces.feed(in.bytes(step));
        drain(pieces, from_pieces);
    }
    fuzz::require(from_whole.size() == from_pieces.size(), "segmentation changes no count of replies (B-288)");
    for (std::size_t i = 0; i < from_whole.size(); ++i) {
        fuzz::require(same(from_whole[i], from_pieces[i]), "segmentation changes no reply (B-288)");
        if (auto const* reply = std::get_if<ftp::reply>(&from_whole[i])) check_reply(*reply);
    }
    fuzz::require(whole.mid_reply() == pieces.mid_reply(), "segmentation does not change mid_reply()");
    return 0;
}
