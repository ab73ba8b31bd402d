// Lets BoringSSL read from one byte_queue and write to another. It asks for exactly the bytes of the record that it
// opens next, so what stands behind a close_notify stays in the queue (B-063).
#pragma once

#include "proxy/tls/boringssl.hpp"
#include "proxy/tls/buffer_pool.hpp"

namespace ftpsgate::tls {

/// An empty or a full queue is "try again", never an error. The queue must outlive the BIO.
bssl::UniquePtr<BIO> make_queue_reader(byte_queue& from);
bssl::UniquePtr<BIO> make_queue_writer(byte_queue& to);

}  // namespace ftpsgate::tls
