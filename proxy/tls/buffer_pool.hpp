// Big byte buffers that exist only while bytes are in flight: a stream takes one when it has something to hold and
// gives it back when it is empty, so an idle session owns none. One pool per worker thread; not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace ftpsgate::tls {

class buffer_pool {
public:
    /// Room for 1 MiB of payload as TLS records: 64 records of 16 KiB with their headers, tags and some spare. Memory
    /// is used only as far as it is filled.
    static constexpr std::size_t block_size = 1024 * 1024 + 32 * 1024;

    explicit buffer_pool(std::size_t keep = 8) : keep_(keep) {}

    /// Contents are undefined.
    std::unique_ptr<std::uint8_t[]> take();
    void give(std::unique_ptr<std::uint8_t[]> block);

private:
    std::size_t keep_;  // free blocks kept for reuse
    std::vector<std::unique_ptr<std::uint8_t[]>> free_;
};

/// A queue of bytes in one pooled block: filled at the end, taken at the front, without a block while empty.
class byte_queue {
public:
    explicit byte_queue(buffer_pool& pool) : pool_(&pool) {}
    byte_queue(byte_queue&& other) noexcept;
    byte_queue& operator=(byte_queue&& other) noexcept;
    ~byte_queue() { clear(); }

    std::size_t size() const { return end_ - begin_; }
    bool empty() const { return begin_ == end_; }
    std::span<std::uint8_t const> data() const { return {block_.get() + begin_, size()}; }
    std::span<std::uint8_t> data() { return {block_.get() + begin_, size()}; }

    /// Free room behind the data. Takes a block if there is none; moves the data to the front when that costs no more
    /// than what was consumed, or when the end is reached.
    std::span<std::uint8_t> space();
    std::size_t room() const;         ///< what space() would give, without taking a block
    void commit(std::size_t count);   ///< count bytes were written into space(); 0 gives an unused block back
    void consume(std::size_t count);  ///< count bytes at the front are done; the block goes back when empty
    /// Copies as much as fits; returns how much that was.
    std::size_t append(std::span<std::uint8_t const> bytes);
    void clear();

private:
    bool is_worth_moving() const;

    buffer_pool* pool_;
    std::unique_ptr<std::uint8_t[]> block_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

}  // namespace ftpsgate::tls
