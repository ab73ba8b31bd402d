#include "proxy/tls/buffer_pool.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace ftpsgate::tls {

std::unique_ptr<std::uint8_t[]> buffer_pool::take() {
    // Not zeroed: fresh pages are touched only as far as they are used.
    if (free_.empty()) return std::make_unique_for_overwrite<std::uint8_t[]>(block_size);
    auto block = std::move(free_.back());
    free_.pop_back();
    return block;
}

void buffer_pool::give(std::unique_ptr<std::uint8_t[]> block) {
    if (block && free_.size() < keep_) free_.push_back(std::move(block));
}

byte_queue::byte_queue(byte_queue&& other) noexcept
    : pool_(other.pool_),
      block_(std::move(other.block_)),
      begin_(std::exchange(other.begin_, 0)),
      end_(std::exchange(other.end_, 0)) {
}

byte_queue& byte_queue::operator=(byte_queue&& other) noexcept {
    if (this == &other) return *this;
    clear();
    pool_ = other.pool_;
    block_ = std::move(other.block_);
    begin_ = std::exchange(other.begin_, 0);
    end_ = std::exchange(other.end_, 0);
    return *this;
}

std::span<std::uint8_t> byte_queue::space() {
    if (!block_) block_ = pool_->take();
    if (is_worth_moving()) {
        std::memmove(block_.get(), block_.get() + begin_, size());
        end_ -= begin_;
        begin_ = 0;
    }
    return {block_.get() + end_, buffer_pool::block_size - end_};
}

std::size_t byte_queue::room() const {
    return buffer_pool::block_size - (is_worth_moving() ? size() : end_);
}

void byte_queue::commit(std::size_t count) {
    assert(count <= buffer_pool::block_size - end_);
    end_ += count;
    if (empty()) clear();
}

void byte_queue::consume(std::size_t count) {
    assert(count <= size());
    begin_ += count;
    if (empty()) clear();
}

std::size_t byte_queue::append(std::span<std::uint8_t const> bytes) {
    if (bytes.empty()) return 0;
    auto const free = space();
    auto const count = std::min(free.size(), bytes.size());
    if (count > 0) std::memcpy(free.data(), bytes.data(), count);
    commit(count);
    return count;
}

void byte_queue::clear() {
    if (block_) pool_->give(std::move(block_));
    begin_ = end_ = 0;
}

// Moving no more bytes than were consumed since the last move keeps the cost per byte constant.
bool byte_queue::is_worth_moving() const {
    return begin_ > 0 && (size() <= begin_ || end_ == buffer_pool::block_size);
}

}  // namespace ftpsgate::tls
