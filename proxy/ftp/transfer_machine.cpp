#include "proxy/ftp/transfer_machine.hpp"

#include <string>

namespace ftpsgate::ftp {

void transfer_machine::start(command const& what) {
    if (state_.rules().data == data_rule::require && !state_.protect_data) {  // B-153, D-01
        context_.drop_setup();
        context_.act(note_transfer{what.row->data, what.argument, transfer_result::not_protected});
        return context_.answer(521, "Policy requires SSL on the data connection: send PROT P.");
    }
    if (state_.setup == data_setup::none) return context_.answer(425, "Use PASV or PORT first.");  // B-123, B-124
    now_ = running{};
    farewell_.reset();
    now_.way = what.row->data;
    now_.path = what.argument;
    state_.setup = data_setup::none;
    state_.now = activity::transfer;
    context_.cancel(deadline_kind::idle);
    context_.ask_backend(to_wire(what.name, what.argument));
    // With the command: some servers answer only then (B-147).
    context_.act(begin_data{is_upload() ? copy_direction::to_backend : copy_direction::to_client});
}

void transfer_machine::on_reply(reply const& answer) {
    if (answer.is_final()) return on_final(answer);
    if (!now_.start && !now_.answered && !now_.aborting) on_start(answer);  // at most one (B-194)
}

// At once, but for one case: a client that uploads under TLS 1.3 may end its data connection before the tickets that it
// needs for the next one have arrived, if it is let go before its handshake, which it has begun, is over (curl; B-160).
void transfer_machine::on_start(reply const& answer) {
    now_.start = answer;
    context_.cancel(deadline_kind::reply);
    bool const hold = is_upload() && now_.client_handshaking && !now_.client_up && !now_.client_fault;
    if (hold) return context_.arm(deadline_kind::start, waits::start);
    tell_start();
    advance();
}

void transfer_machine::tell_start() {
    if (!now_.start || now_.told || now_.answered || now_.aborting) return;
    now_.told = true;
    context_.cancel(deadline_kind::start);
    context_.show(*now_.start);
}

void transfer_machine::on_final(reply const& answer) {
    context_.cancel(deadline_kind::reply);
    if (now_.answered) {
        now_.stored_anyway = now_.stored_anyway || (is_upload() && answer.is_completion() && !now_.aborting);
        if (state_.finals_due == 0) complete();
        return;
    }
    if (now_.aborting) {
        if (answer.is_completion() && now_.delivered) return answer_with(answer);  // B-227
        return fail(426, "Transfer aborted.", transfer_result::aborted);
    }
    if (answer.is_negative()) {  // at once: a blocked leg must wake (B-197, B-198)
        now_.result = now_.told ? transfer_result::backend_failed : transfer_result::refused;
        context_.act(abort_data{});
        return answer_with(answer);
    }
    if (!answer.is_completion())
        return fail(451, "The server gave an answer that makes no sense here.", transfer_result::backend_failed);
    tell_start();
    now_.good_final = answer;
    advance();
}

void transfer_machine::on_client_up() {
    now_.client_up = true;
    tell_start();
    advance();
}

void transfer_machine::on_backend_up() {
    now_.backend_up = true;
    advance();
}

void transfer_machine::on_client_failed(data_fault fault) {
    now_.client_fault = fault;  // told to the client behind the 1yz (B-155, B-212)
    tell_start();
    advance();
}

void transfer_machine::on_backend_failed() {
    now_.backend_fault = true;
    if (now_.good_final) return advance();
    context_.arm(deadline_kind::verdict, waits::verdict);  // often a refusal is on its way: give it a moment
}

void transfer_machine::advance() {
    if (now_.answered || now_.aborting) return;
    bool const begun = now_.told || now_.good_final;
    if (now_.client_fault && begun) return fail_client_leg();
    if (now_.backend_fault) {
        if (!now_.good_final) return;
        if (!now_.told) return finish_without_start();
        return fail(425, "Can't open data connection.", transfer_result::backend_failed);
    }
    if (begun && !now_.copying && now_.client_up && now_.backend_up) {
        now_.copying = true;
        context_.act(start_relay{});
    }
    if (!now_.good_final) return;
    if (!now_.told && !now_.copying) return finish_without_start();
    if (now_.copied == copy_result::backend_failed)  // 226, for a data connection that it did not serve
        return fail(426, "Transfer failed.", transfer_result::backend_failed);
    if (now_.copied) return copied_clean();
    if (now_.copying && !is_upload()) context_.arm(deadline_kind::linger, waits::linger);
}

// 2yz without 1yz and without data: an empty directory on some servers (B-199), but no upload (B-197, B-284).
void transfer_machine::finish_without_start() {
    context_.cancel(deadline_kind::verdict);
    if (is_upload()) return fail(425, "Can't open data connection.", transfer_result::backend_failed);
    if (now_.client_up && !is_upload() && !now_.finishing) {
        now_.finishing = true;
        return context_.act(finish_client_data{});
    }
    if (now_.finishing) return;
    context_.act(abort_data{});
    answer_with(*now_.good_final);
}

void transfer_machine::on_relay_done(copy_result result) {
    if (!now_.copying || now_.copied) return;
    now_.copied = result;
    context_.cancel(deadline_kind::linger);
    if (now_.answered || now_.aborting) return;
    bool const tolerated = is_upload() && state_.rules().truncated_uploads == truncation::accept;
    switch (result) {
        case copy_result::clean: return copied_clean();
        case copy_result::client_truncated:  // B-167, A-028
            if (tolerated) return copied_clean();
            return fail(426, "Upload ended without TLS close: it is incomplete.", transfer_result::truncated);
        case copy_result::client_failed:  // B-214, B-215, B-170
            return fail(426, "Data connection closed by the client.", transfer_result::client_failed);
        case copy_result::idle: return fail(426, "Data connection timed out.", transfer_result::timeout);  // B-206
        case copy_result::backend_failed:  // B-216, B-217
            context_.act(abort_data{});
            if (now_.good_final) return fail(426, "Transfer failed.", transfer_result::backend_failed);
            return context_.arm(deadline_kind::verdict, waits::verdict);  // its own word is the better one
    }
}

// Every byte was taken by the receiver; who still has to say something?
void transfer_machine::copied_clean() {
    if (is_upload()) {
        if (!now_.delivered) context_.act(finish_backend_data{});
        now_.delivered = true;
        if (now_.good_final) return answer_with(*now_.good_final);
        return context_.arm(deadline_kind::reply, state_.rules().reply_timeout);  // B-204
    }
    if (now_.good_final) {
        if (now_.delivered) return answer_with(*now_.good_final);
        if (!now_.finishing) context_.act(finish_client_data{});
        now_.finishing = true;
        return;
    }
    // A backend that gives up in the middle ends its data connection just as it does after the last byte; only its
    // reply tells. The client's clean end waits for it a little (B-168), not for ever (B-220).
    context_.arm(deadline_kind::reply, state_.rules().reply_timeout);
    context_.arm(deadline_kind::verdict, waits::verdict);
}

void transfer_machine::on_client_finished(bool sent) {
    if (!now_.finishing || now_.answered || now_.aborting) return;
    if (!sent) return fail(426, "Data connection closed by the client.", transfer_result::client_failed);
    now_.delivered = true;
    if (now_.good_final) answer_with(*now_.good_final);
}

void transfer_machine::fail_client_leg() {
    switch (*now_.client_fault) {
        case data_fault::connect: return fail(425, "Can't open data connection.", transfer_result::client_failed);
        case data_fault::handshake:
            return fail(522, "TLS negotiation failed on the data connection.", transfer_result::client_failed);
        case data_fault::not_resumed:
            return fail(522, "TLS session reuse of the control connection is required on the data connection.",
                        transfer_result::client_failed);
    }
}

// B-210, B-211: the backend waits for a connection that does not come.
void transfer_machine::give_up_on_backend_leg() {
    context_.ask_backend("ABOR\r\n", sensitivity::plain, urgency::telnet_synch);
    fail(425, "Can't open data connection.", transfer_result::backend_failed);
}

void transfer_machine::fail(int code, std::string_view text, transfer_result result) {
    now_.answered = true;
    now_.result = result;
    now_.stored_anyway = is_upload() && now_.good_final.has_value();  // B-223
    context_.act(abort_data{});
    answer_status("Transfer is over.");
    context_.answer(code, text);
    for (auto const kind : {deadline_kind::reply, deadline_kind::start, deadline_kind::verdict, deadline_kind::linger})
        context_.cancel(kind);
    if (state_.finals_due == 0) return complete();
    context_.arm(deadline_kind::settle, waits::settle);
}

void transfer_machine::answer_with(reply const& answer) {
    now_.answered = true;
    answer_status("Transfer is over.");
    context_.show(answer);
    for (auto const kind : {deadline_kind::reply, deadline_kind::start, deadline_kind::verdict, deadline_kind::linger})
        context_.cancel(kind);
    if (state_.finals_due == 0) return complete();
    context_.arm(deadline_kind::settle, waits::settle);
}

void transfer_machine::on_deadline(deadline_kind kind) {
    if (kind == deadline_kind::settle || kind == deadline_kind::reply) return backend_is_silent();
    if (now_.answered || now_.aborting) return;
    if (kind == deadline_kind::start) {
        tell_start();
        return advance();
    }
    if (kind == deadline_kind::linger) return context_.act(ask_progress{});
    if (kind != deadline_kind::verdict) return;
    if (now_.backend_fault) return give_up_on_backend_leg();
    if (now_.copied == copy_result::backend_failed)
        return fail(426, "Transfer failed.", transfer_result::backend_failed);
    if (now_.copied && !now_.finishing) {  // a clean end, and the backend takes its time (B-220)
        now_.finishing = true;
        context_.act(finish_client_data{});
    }
}

void transfer_machine::on_progress(progress const& now) {
    if (status_asked_ > 0) {
        --status_asked_;
        return context_.answer(213, "Transfer in progress: " + std::to_string(now.bytes) + " bytes so far.");
    }
    if (now_.answered || now_.copied || !now_.good_final) return;
    if (now.starved && now.bytes == now_.bytes_seen)  // 226, but its data connection stays open (B-205)
        return fail(426, "The server did not end its data connection.", transfer_result::backend_failed);
    now_.bytes_seen = now.bytes;
    context_.arm(deadline_kind::linger, waits::linger);
}

void transfer_machine::status() {
    ++status_asked_;
    context_.act(ask_progress{});
}

// The transfer ends before progress came: STAT has its reply nevertheless, before the final one (B-233, B-281).
void transfer_machine::answer_status(std::string_view text) {
    for (; status_asked_ > 0; --status_asked_)
        context_.answer(213, text);
}

bool transfer_machine::request_abort() {
    if (now_.aborting || now_.answered) return false;
    now_.aborting = true;
    if (!now_.delivered) context_.act(abort_data{});
    context_.cancel(deadline_kind::start);
    context_.cancel(deadline_kind::verdict);
    context_.cancel(deadline_kind::linger);
    if (farewell_) {  // nobody there to be asked
        fail(426, "Transfer aborted.", transfer_result::aborted);
        return true;
    }
    context_.ask_backend("ABOR\r\n", sensitivity::plain, urgency::telnet_synch);  // B-229
    context_.cancel(deadline_kind::reply);
    context_.arm(deadline_kind::settle, waits::settle);
    if (now_.good_final) fail(426, "Transfer aborted.", transfer_result::aborted);  // its final was held
    return true;
}

// B-228, B-220: what is missing is supplied, and the backend's session is over: its next reply could be a late one.
void transfer_machine::backend_is_silent() {
    if (!now_.answered) {
        now_.result = now_.aborting ? transfer_result::aborted : transfer_result::backend_failed;
        answer_status("Transfer is over.");
        if (now_.aborting)
            context_.answer(426, "Transfer aborted.");
        else
            context_.answer(451, "The server does not answer.");
    }
    if (now_.aborting) context_.answer(226, "Abort successful.");
    report();
    context_.refuse_service("Service not available.", end_reason::backend_gone);
}

void transfer_machine::on_backend_gone(reply const* last_words) {
    if (now_.good_final && !now_.answered && !now_.aborting) {
        if (!farewell_) farewell_ = last_words ? *last_words : reply(421, "Service not available.");
        state_.finals_due = 0;
        return;
    }
    if (!now_.answered) {
        now_.result = transfer_result::backend_failed;
        answer_status("Transfer is over.");
        if (now_.told) context_.answer(426, "Transfer failed.");
    }
    report();
    if (last_words == nullptr) return context_.refuse_service("Service not available.", end_reason::backend_gone);
    context_.show(*last_words);
    context_.end(end_reason::backend_gone);
}

// The session ends in the middle of it: the log still hears of it.
void transfer_machine::cut(transfer_result why) {
    if (!now_.answered) now_.result = why;
    report();
}

void transfer_machine::complete() {
    for (auto const kind : {deadline_kind::reply, deadline_kind::start, deadline_kind::settle, deadline_kind::verdict,
                            deadline_kind::linger})
        context_.cancel(kind);
    answer_status("Transfer is over.");
    context_.act(abort_data{});  // whatever is left of the legs
    report();
    context_.arm(deadline_kind::idle, state_.rules().idle_timeout);  // it does not run during transfers (B-207)
    state_.now = activity::idle;
    if (!farewell_) return;
    context_.show(*farewell_);
    context_.end(end_reason::backend_gone);
}

void transfer_machine::report() {
    context_.act(note_transfer{now_.way, now_.path, now_.result, now_.stored_anyway, now_.copying, state_.type});
}

}  // namespace ftpsgate::ftp
