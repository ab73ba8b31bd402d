#include "policy/ldap_deadline.hpp"

#include <algorithm>
#include <cerrno>
#include <lber.h>
#include <ldap.h>
#include <poll.h>

namespace ftpsgate::policy {

namespace {

// Between the socket and TLS.
constexpr int layer_level = (LBER_SBIOD_LEVEL_PROVIDER + LBER_SBIOD_LEVEL_TRANSPORT) / 2;

int remember_deadline(Sockbuf_IO_Desc* layer, void* until) {
    layer->sbiod_pvt = until;
    return 0;
}

int forget_deadline(Sockbuf_IO_Desc* layer) {
    layer->sbiod_pvt = nullptr;
    return 0;
}

int pass_control_on(Sockbuf_IO_Desc* layer, int option, void* argument) {
    return LBER_SBIOD_CTRL_NEXT(layer, option, argument);
}

/// False with errno: ETIMEDOUT when nothing happened in time.
bool wait_for(Sockbuf_IO_Desc* layer, short events) {
    using std::chrono::milliseconds;
    auto const& until = *static_cast<deadline const*>(layer->sbiod_pvt);
    pollfd socket{-1, events, 0};
    if (ber_sockbuf_ctrl(layer->sbiod_sb, LBER_SB_OPT_GET_FD, &socket.fd) != 1) return errno = EBADF, false;
    for (;;) {
        auto const left = std::chrono::ceil<milliseconds>(until - std::chrono::steady_clock::now()).count();
        int const ready = left <= 0 ? 0 : poll(&socket, 1, static_cast<int>(std::min<long>(left, 1'000'000)));
        if (ready > 0) return true;
        if (ready < 0 && errno == EINTR) continue;
        if (ready == 0) errno = ETIMEDOUT;
        return false;
    }
}

ber_slen_t read_in_time(Sockbuf_IO_Desc* layer, void* buffer, ber_len_t size) {
    return wait_for(layer, POLLIN) ? LBER_SBIOD_READ_NEXT(layer, buffer, size) : -1;
}

ber_slen_t write_in_time(Sockbuf_IO_Desc* layer, void* buffer, ber_len_t size) {
    return wait_for(layer, POLLOUT) ? LBER_SBIOD_WRITE_NEXT(layer, buffer, size) : -1;
}

Sockbuf_IO in_time{remember_deadline, forget_deadline, pass_control_on, read_in_time, write_in_time, nullptr};

int add_layer(LDAP*, Sockbuf* buffer, LDAPURLDesc*, sockaddr*, ldap_conncb* context) {
    return ber_sockbuf_add_io(buffer, &in_time, layer_level, context->lc_arg);
}

void nothing_to_do(LDAP*, Sockbuf*, ldap_conncb*) {
}

}  // namespace

ldap_deadline::ldap_deadline(deadline const& until)
    : callbacks_(new ldap_conncb{add_layer, nothing_to_do, const_cast<deadline*>(&until)}) {
}

ldap_deadline::~ldap_deadline() {
    delete callbacks_;
}

bool ldap_deadline::put_on(ldap* handle) {
    return ldap_set_option(handle, LDAP_OPT_CONNECT_CB, callbacks_) == LDAP_OPT_SUCCESS;
}

}  // namespace ftpsgate::policy
