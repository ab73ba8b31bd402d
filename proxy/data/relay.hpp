// One-way copy of a transfer between two streams with back-pressure: bytes are read only when the receiver took those
// before. Works in steps of 128 KiB to 1 MiB, as fast as the receiver is, allocates nothing per step, and lets other
// sessions have their turn.
//
// The relay does not end the streams: whether the receiver sees a clean end (close_notify and FIN) or a cut (RST) is
// decided by the core from the outcome and the backend's reply (B-165 .. B-168), then finish() or the streams' reset()
// carry it out.
#pragma once

#include "proxy/data/rate_limiter.hpp"
#include "proxy/tls/stream.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

namespace ftpsgate::data {

enum class relay_outcome {
    clean,             ///< the source ended cleanly and the receiver's socket took every byte
    source_truncated,  ///< TLS source: FIN or RST without close_notify
    source_failed,     ///< RST or another error of the source
    receiver_failed,
    receiver_ended,  ///< the receiver closed its side, or sent bytes where none may come (A-075)
    idle,            ///< neither leg moved for the idle time-out (B-206)
};

char const* to_string(relay_outcome outcome);

enum class relay_direction {
    download,  ///< the receiver is the client: when it ends its sending side it may still be reading
    upload,    ///< the receiver is the backend: when it ends it has given up (B-217)
};

struct relay_settings {
    std::chrono::milliseconds idle_timeout{300'000};
    relay_direction direction = relay_direction::download;
    rate_limiter* limiter = nullptr;  ///< of the session, outlives the relay; null = as fast as it goes
};

class relay {
public:
    using done_handler = std::function<void(relay_outcome)>;

    /// The streams must live until done or until the relay is destroyed.
    relay(tls::stream& source, tls::stream& receiver, tls::buffer_pool& pool, relay_settings settings,
          done_handler on_done);
    ~relay();  ///< stops; on_done is not called any more

    void start();
    std::uint64_t bytes() const;  ///< taken by the receiver's socket or stream so far
    /// Nothing is in hand and the source has nothing to give (B-205).
    bool waits_for_source() const;

private:
    struct state;
    std::shared_ptr<state> state_;
};

/// Ends a stream cleanly: close_notify (under TLS), FIN, then waits up to `linger` for the peer's end, which is not
/// required (B-165). on_sent is called when the FIN is out (true) or could not be sent (false); the stream is closed
/// and freed afterwards. Takes the stream.
void finish(std::unique_ptr<tls::stream> leg, std::chrono::milliseconds linger, std::function<void(bool)> on_sent);

}  // namespace ftpsgate::data
