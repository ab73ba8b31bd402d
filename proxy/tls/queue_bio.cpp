#include "proxy/tls/queue_bio.hpp"

#include <algorithm>
#include <cstring>

namespace ftpsgate::tls {

namespace {

byte_queue& queue_of(BIO* bio) {
    return *static_cast<byte_queue*>(BIO_get_data(bio));
}

int try_again_reading(BIO* bio) {
    BIO_set_retry_read(bio);
    return -1;
}

int read_queue(BIO* bio, char* into, int size) {
    BIO_clear_retry_flags(bio);
    auto& queue = queue_of(bio);
    if (size <= 0) return 0;
    if (queue.empty()) return try_again_reading(bio);
    auto const count = std::min(queue.size(), static_cast<std::size_t>(size));
    std::memcpy(into, queue.data().data(), count);
    queue.consume(count);
    return static_cast<int>(count);
}

int write_queue(BIO* bio, char const* from, int size) {
    BIO_clear_retry_flags(bio);
    if (size <= 0) return 0;
    auto const count =
        queue_of(bio).append({reinterpret_cast<std::uint8_t const*>(from), static_cast<std::size_t>(size)});
    if (count > 0) return static_cast<int>(count);
    BIO_set_retry_write(bio);
    return -1;
}

long control(BIO*, int command, long, void*) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO_METHOD* make_method(char const* name) {
    BIO_METHOD* method = BIO_meth_new(0, name);
    BIO_meth_set_ctrl(method, control);
    return method;
}

// Shared by all threads and never changed; made at first use.
BIO_METHOD const* reader_method() {
    static bssl::UniquePtr<BIO_METHOD> const method = [] {
        bssl::UniquePtr<BIO_METHOD> made(make_method("queue reader"));
        BIO_meth_set_read(made.get(), read_queue);
        return made;
    }();
    return method.get();
}

BIO_METHOD const* writer_method() {
    static bssl::UniquePtr<BIO_METHOD> const method = [] {
        bssl::UniquePtr<BIO_METHOD> made(make_method("queue writer"));
        BIO_meth_set_write(made.get(), write_queue);
        return made;
    }();
    return method.get();
}

bssl::UniquePtr<BIO> make(BIO_METHOD const* method, byte_queue& queue) {
    bssl::UniquePtr<BIO> bio(BIO_new(method));
    BIO_set_data(bio.get(), &queue);
    BIO_set_init(bio.get(), 1);
    return bio;
}

}  // namespace

bssl::UniquePtr<BIO> make_queue_reader(byte_queue& from) {
    return make(reader_method(), from);
}

bssl::UniquePtr<BIO> make_queue_writer(byte_queue& to) {
    return make(writer_method(), to);
}

}  // namespace ftpsgate::tls
