// Input: limit - 1, then a byte that says how the rest is cut into reads, then the stream.
#include "proxy/ftp/line_reader.hpp"
#include "tests/fuzz/input.hpp"

#include <string>
#include <vector>

using namespace ftpsgate;
using ftp::line_reader;

namespace {

void drain(line_reader& reader, std::vector<ftp::line>& into) {
    while (auto each = reader.next())
        into.push_back(std::move(*each));
}

void check_line(ftp::line const& what, std::size_t limit) {
    using namespace std::string_literals;
    fuzz::require(what.text.size() <= limit, "a line is never longer than the limit");
    fuzz::require(what.text.find_first_of("\r\n\0"s) == std::string::npos, "a line holds no CR, LF, NUL");
    fuzz::require(what.fault == ftp::line_fault::none || what.text.empty(), "a faulty line has no text");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    fuzz::input in(data, size);
    std::size_t const limit = in.byte() + 1u;
    std::size_t const step = in.byte() % 16 + 1u;
    line_reader whole(limit);
    line_reader pieces(limit);
    std::vector<ftp::line> from_whole;
    std::vector<ftp::line> from_pieces;
    whole.feed(in.rest());
    fuzz::require(whole.empty() == in.rest().empty(), "empty() means that nothing came");
    fuzz::require(whole.waiting_bytes() <= in.rest().size(), "lines are no longer than what was fed");
    drain(whole, from_whole);
    while (!in.rest().empty()) {
        pieces.feed(in.bytes(step));
        drain(pieces, from_pieces);
    }
    fuzz::require(from_whole.size() == from_pieces.size(), "segmentation changes no count of lines (B-288)");
    for (std::size_t i = 0; i < from_whole.size(); ++i) {
        check_line(from_whole[i], limit);
        fuzz::require(from_whole[i].text == from_pieces[i].text, "segmentation changes no line (B-288)");
        fuzz::require(from_whole[i].fault == from_pieces[i].fault, "segmentation changes no fault (B-288)");
    }
    fuzz::require(whole.waiting_bytes() == 0 && whole.waiting_lines() == 0, "nothing waits once all was taken");
    fuzz::require(whole.empty() == pieces.empty(), "segmentation does not change empty()");
    return 0;
}
