// One transfer, from the command to its one final reply: both data legs, the copy, the backend's replies, ABOR, and
// what the client is told when any of them fails. PROTOCOL.md 4.1 - 4.3.
//
// The rules behind it: the backend's data port is connected with the command, not after 1xx; the client's leg comes up
// whenever it likes; a refusal ends both legs at once (nothing can hang, B-198); a good final reply waits for the data
// to be delivered whole (B-196, B-197); what was cut is never ended like something complete (B-167, B-168); exactly one
// final reply goes out, and the backend's late ones are swallowed before the next command (B-195).
#pragma once

#include "proxy/ftp/events.hpp"
#include "proxy/ftp/session_state.hpp"

#include <cstdint>
#include <optional>

namespace ftpsgate::ftp {

class transfer_machine {
public:
    explicit transfer_machine(session_context& context) : context_(context), state_(context.state) {}

    void start(command const& what);
    void on_reply(reply const& answer);
    void on_client_handshaking() { now_.client_handshaking = true; }
    void on_client_up();
    void on_client_failed(data_fault fault);
    void on_backend_up();
    void on_backend_failed();
    void on_relay_done(copy_result result);
    void on_client_finished(bool sent);
    void on_progress(progress const& now);
    void on_deadline(deadline_kind kind);
    /// The backend's control connection is gone (B-218), or it said 421 (B-219). When it had said before that the
    /// transfer is complete, what is under way is still delivered.
    void on_backend_gone(reply const* last_words);

    /// STAT during the transfer: answered by the gate (B-233).
    void status();
    /// ABOR was read. True: it is carried out, and its own reply is to be 226 when it is its turn (B-226). False: the
    /// transfer is over or being aborted, so it is one like any other between transfers.
    bool request_abort();
    /// The client has its final reply; only the backend's are waited for.
    bool is_answered() const { return now_.answered; }
    /// The session ends now, in the middle of the transfer.
    void cut(transfer_result why);

private:
    struct running {  // everything about the current transfer; reset by start()
        direction way = direction::none;
        std::string path;
        bool client_up = false;
        bool backend_up = false;
        std::optional<data_fault> client_fault;
        bool backend_fault = false;
        bool client_handshaking = false;
        std::optional<reply> start;       // the backend's 1yz
        bool told = false;                // it was shown (B-194)
        std::optional<reply> good_final;  // of the backend, held until the data is delivered
        bool copying = false;
        std::optional<copy_result> copied;
        bool finishing = false;  // finish_client_data was issued
        bool delivered = false;  // close_notify and FIN are out, or the backend's leg has its FIN
        bool answered = false;   // the client has its final reply
        bool aborting = false;
        std::uint64_t bytes_seen = UINT64_MAX;  // at the last look; not looked yet (B-205)
        transfer_result result = transfer_result::ok;
        bool stored_anyway = false;
    };

    bool is_upload() const { return now_.way == direction::upload; }
    void on_start(reply const& answer);
    void tell_start();
    void on_final(reply const& answer);
    void advance();
    void finish_without_start();
    void copied_clean();
    void fail(int code, std::string_view text, transfer_result result);
    void fail_client_leg();
    void give_up_on_backend_leg();
    void answer_with(reply const& answer);
    void backend_is_silent();
    void answer_status(std::string_view text);
    void complete();
    void report();

    session_context& context_;
    session_state& state_;
    running now_;
    std::optional<reply> farewell_;  // 421 behind a good final reply: said when the transfer is over
    unsigned status_asked_ = 0;
};

}  // namespace ftpsgate::ftp
