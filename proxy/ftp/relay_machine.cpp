#include "proxy/ftp/relay_machine.hpp"

#include "proxy/ftp/front_machine.hpp"
#include "proxy/ftp/rewrite.hpp"
#include "proxy/ftp/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

namespace ftpsgate::ftp {

namespace {

// The first word, upper case, whatever a lenient backend takes for a separator.
std::string first_word(std::string_view text) {
    auto const is_space = [](char c) { return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\xA0'; };
    while (!text.empty() && is_space(text.front()))
        text.remove_prefix(1);
    auto const end = std::find_if(text.begin(), text.end(), is_space);
    return upper(std::string_view(text.begin(), end));
}

// SITE commands that run programs, copy files past the transfer log, or change passwords (B-106).
constexpr std::array<std::string_view, 4> refused_site_commands{"EXEC", "CPFR", "CPTO", "PSWD"};

}  // namespace

void relay_machine::send(command const& what, kind answer) {
    kind_ = answer;
    answered_ = false;
    state_.now = activity::relay;
    context_.ask_backend(to_wire(what.name, what.argument));
}

void relay_machine::forward(command const& what) {
    switch (what.id()) {
        case verb::pwd:
        case verb::xpwd:
        case verb::mkd:
        case verb::xmkd:
        case verb::mlst: return send(what, kind::path);
        case verb::size:
        case verb::mdtm:
        case verb::mfmt:
        case verb::mfct:
        case verb::mff:
        case verb::avbl:
        case verb::dsiz:
        case verb::hash:
        case verb::xcrc:
        case verb::xmd5:
        case verb::xsha:
        case verb::xsha1:
        case verb::xsha256:
        case verb::xsha512:
        case verb::md5:
        case verb::mmd5: return send(what, kind::value);
        default: return send(what, kind::plain);
    }
}

void relay_machine::feat() {
    kind_ = kind::features;
    answered_ = false;
    state_.now = activity::relay;
    context_.ask_backend("FEAT\r\n");
}

void relay_machine::opts(command const& what) {
    std::string const option = first_word(what.argument);
    bool const utf8 = option == "UTF8" || option == "UTF-8";
    verb_row const& row = find_verb(option);
    bool const passed_on = row.how == treatment::forward || row.how == treatment::transfer;
    if (!utf8 && (!passed_on || state_.rules().denies(row)))
        return context_.answer(501, "Option not understood.");  // B-101
    send(what, kind::plain);
}

void relay_machine::type(command const& what) {
    auto const first = first_word(what.argument);
    asked_type_ = first == "I" || first == "L" ? representation::image : representation::ascii;
    send(what, kind::type);
}

void relay_machine::mode(command const& what) {
    std::string const argument = upper(what.argument);
    // In block and compressed mode the end of a file is told in band, where the gate cannot see it (B-107).
    if (argument != "S" && argument != "Z") return context_.answer(504, "Only stream mode is supported.");
    send(what, kind::plain);
}

void relay_machine::structure(command const& what) {
    if (upper(what.argument) != "F") return context_.answer(504, "Only file structure is supported.");  // B-108
    send(what, kind::plain);
}

void relay_machine::rest(command const& what) {
    std::int64_t offset = 0;
    char const* const end = what.argument.data() + what.argument.size();
    auto const parsed = std::from_chars(what.argument.data(), end, offset);
    if (parsed.ec != std::errc{} || parsed.ptr != end || offset < 0)
        return context_.answer(501, "REST takes a byte offset.");
    send(what, kind::plain);
}

void relay_machine::site(command const& what) {
    std::string const sub = first_word(what.argument);
    if (std::find(refused_site_commands.begin(), refused_site_commands.end(), sub) != refused_site_commands.end()) {
        context_.act(note_denied{for_log(what)});
        return context_.answer(502, "Command not implemented.");
    }
    send(what, kind::plain);
}

void relay_machine::pret(command const& what) {
    auto const& known = state_.backend_features;
    bool const listed = known && std::any_of(known->begin(), known->end(),
                                             [](std::string const& line) { return first_word(line) == "PRET"; });
    if (!listed) return context_.answer(502, "Command not implemented.");  // B-149
    send(what, kind::plain);
}

void relay_machine::status_of(command const& what) {
    if (state_.rules().denies(row_of(verb::list))) {  // a listing by another name
        context_.act(note_denied{for_log(what)});
        return context_.answer(502, "Command denied by policy.");
    }
    send(what, kind::path);
}

void relay_machine::abor() {
    context_.drop_setup();
    kind_ = kind::abort;
    answered_ = false;
    state_.now = activity::relay;
    context_.ask_backend("ABOR\r\n");
}

void relay_machine::on_reply(reply const& answer) {
    if (answer.is_preliminary()) {
        if (!answered_) context_.answer(451, "The server gave an answer that makes no sense here.");  // B-021
        answered_ = true;
        return;
    }
    state_.now = activity::idle;
    if (answered_) return;
    switch (kind_) {
        case kind::plain: return context_.show(answer);
        case kind::path: return answer.is_completion() ? context_.show_path(answer) : context_.show(answer);
        case kind::value: return answer.code / 10 == 21 ? context_.show_value(answer) : context_.show(answer);
        case kind::type:
            if (answer.is_completion()) state_.type = asked_type_;
            return context_.show(answer);
        case kind::features: {
            state_.backend_features = answer.is_completion() ? features_of(answer) : std::vector<std::string>{};
            return front_machine(context_).features();
        }
        case kind::abort:
            // A backend without ABOR still gets one answer for its client (B-224).
            if (!answer.is_completion()) return context_.answer(225, "No transfer to abort.");
            return context_.show(answer);
    }
}

}  // namespace ftpsgate::ftp
