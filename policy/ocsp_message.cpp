#include "policy/ocsp_message.hpp"

#include <algorithm>

namespace ftpsgate::policy {

namespace {

constexpr std::size_t most_bytes = 64 * 1024;

constexpr unsigned tagged(unsigned number) {
    return CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | number;
}

der_view view_of(CBS const& what) {
    return {CBS_data(&what), CBS_len(&what)};
}

bool take(CBS& from, CBS& content, unsigned tag) {
    return CBS_get_asn1(&from, &content, tag) == 1;
}

// An EXPLICIT tag has exactly one element in it.
bool take_only(CBS& from, CBS& content, unsigned tag) {
    return take(from, content, tag) && CBS_len(&from) == 0;
}

bool is_at(CBS const& from, unsigned tag) {
    return CBS_peek_asn1_tag(&from, tag) == 1;
}

int number_of(der_view digits) {
    int number = 0;
    for (std::uint8_t const digit : digits)
        number = number * 10 + (digit - '0');
    return number;
}

// RFC 5280 4.1.2.5.2: YYYYMMDDHHMMSSZ, nothing else. Years that nanoseconds cannot count become the nearest that are
// far enough away.
std::optional<time_point> parse_time(der_view text) {
    using namespace std::chrono;
    auto const is_digit = [](std::uint8_t c) { return c >= '0' && c <= '9'; };
    if (text.size() != 15 || text[14] != 'Z' || !std::all_of(text.begin(), text.end() - 1, is_digit)) return {};
    auto const part = [&](std::size_t at, std::size_t size) { return number_of(text.subspan(at, size)); };
    int const hour = part(8, 2), minute = part(10, 2), second = part(12, 2);
    year_month_day const date(year(part(0, 4)), month(static_cast<unsigned>(part(4, 2))),
                              day(static_cast<unsigned>(part(6, 2))));
    if (!date.ok() || hour > 23 || minute > 59 || second > 59) return {};
    year const countable = std::clamp(date.year(), year(1900), year(2200));
    return sys_days(countable / date.month() / day(1)) + days(static_cast<unsigned>(date.day()) - 1) + hours(hour) +
           minutes(minute) + seconds(second);
}

bool take_time(CBS& from, time_point& into) {
    CBS text;
    if (!take(from, text, CBS_ASN1_GENERALIZEDTIME)) return false;
    auto const when = parse_time(view_of(text));
    if (when) into = *when;
    return when.has_value();
}

class reader {
public:
    /// False: `why` says why.
    bool read(der_view der);

    ocsp_message message;
    std::string why = "malformed";

private:
    bool refuse(std::string words) {
        why = std::move(words);
        return false;
    }
    bool read_status(CBS& response);
    bool read_basic(CBS basic);
    bool read_data(CBS data);
    bool read_version(CBS& data);
    bool read_responder(CBS& data);
    bool read_certificates(CBS& basic);
    bool read_single(CBS& list);
    bool read_cert_id(CBS& single, ocsp_single_response& into);
    bool read_answer(CBS& single, ocsp_single_response& into);
    bool read_revoked(CBS revoked, ocsp_single_response& into);
    enum class place { response, single };
    bool read_extensions(CBS& from, place where);
    bool read_extension(CBS extension, place where);
};

bool reader::read(der_view der) {
    if (der.size() > most_bytes) return refuse("larger than 64 KiB");
    CBS whole, response, outer, typed, oid, basic;
    CBS_init(&whole, der.data(), der.size());
    if (!take_only(whole, response, CBS_ASN1_SEQUENCE) || !read_status(response)) return false;
    if (!take_only(response, outer, tagged(0)) || !take_only(outer, typed, CBS_ASN1_SEQUENCE)) return false;
    if (!take(typed, oid, CBS_ASN1_OBJECT)) return false;
    static constexpr std::uint8_t basic_oid[] = {0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1};
    if (CBS_mem_equal(&oid, basic_oid, sizeof basic_oid) != 1) return refuse("not a basic OCSP response");
    return take_only(typed, basic, CBS_ASN1_OCTETSTRING) && read_basic(basic);
}

bool reader::read_status(CBS& response) {
    CBS status;
    std::uint8_t number = 0;
    if (!take(response, status, CBS_ASN1_ENUMERATED) || CBS_get_u8(&status, &number) != 1) return false;
    if (CBS_len(&status) != 0) return false;
    switch (number) {
        case 0: return true;
        case 1: return refuse("the responder says malformedRequest");
        case 2: return refuse("the responder says internalError");
        case 3: return refuse("the responder says tryLater");
        case 5: return refuse("the responder says sigRequired");
        case 6: return refuse("the responder says unauthorized");
        default: return refuse("unknown response status");
    }
}

bool reader::read_basic(CBS basic) {
    CBS whole, data, element, content, signature;
    std::uint8_t unused_bits = 1;
    if (!take_only(basic, whole, CBS_ASN1_SEQUENCE)) return false;
    if (CBS_get_asn1_element(&whole, &data, CBS_ASN1_SEQUENCE) != 1) return false;
    if (CBS_get_asn1_element(&whole, &element, CBS_ASN1_SEQUENCE) != 1) return false;
    if (!take(whole, signature, CBS_ASN1_BITSTRING)) return false;
    if (CBS_get_u8(&signature, &unused_bits) != 1 || unused_bits != 0) return false;
    message.signed_data = view_of(data);
    message.algorithm = view_of(element);
    message.signature = view_of(signature);
    if (!read_certificates(whole)) return false;
    return take_only(data, content, CBS_ASN1_SEQUENCE) && read_data(content);
}

bool reader::read_certificates(CBS& basic) {
    if (CBS_len(&basic) == 0) return true;
    CBS outer, list, one;
    if (!take_only(basic, outer, tagged(0)) || !take_only(outer, list, CBS_ASN1_SEQUENCE)) return false;
    while (CBS_len(&list) > 0) {
        if (CBS_get_asn1_element(&list, &one, CBS_ASN1_SEQUENCE) != 1) return false;
        message.certificates.push_back(view_of(one));
    }
    return true;
}

bool reader::read_data(CBS data) {
    CBS list;
    if (!read_version(data) || !read_responder(data) || !take_time(data, message.produced_at)) return false;
    if (!take(data, list, CBS_ASN1_SEQUENCE)) return false;
    while (CBS_len(&list) > 0)
        if (!read_single(list)) return false;
    return read_extensions(data, place::response);
}

// v1 need not be said, and DER forbids it; some say it.
bool reader::read_version(CBS& data) {
    if (!is_at(data, tagged(0))) return true;
    CBS outer;
    std::uint64_t version = 0;
    if (!take(data, outer, tagged(0)) || CBS_get_asn1_uint64(&outer, &version) != 1) return false;
    if (CBS_len(&outer) != 0) return false;
    return version == 0 || refuse("unknown version of OCSP");
}

bool reader::read_responder(CBS& data) {
    CBS outer, inner;
    if (is_at(data, tagged(1))) {
        if (!take(data, outer, tagged(1))) return false;
        message.responder_name = view_of(outer);
        return take_only(outer, inner, CBS_ASN1_SEQUENCE);
    }
    if (!take(data, outer, tagged(2)) || !take_only(outer, inner, CBS_ASN1_OCTETSTRING)) return false;
    message.responder_key_hash = view_of(inner);
    return CBS_len(&inner) == SHA_DIGEST_LENGTH;
}

bool reader::read_single(CBS& list) {
    CBS single, outer;
    ocsp_single_response found;
    if (!take(list, single, CBS_ASN1_SEQUENCE) || !read_cert_id(single, found)) return false;
    if (!read_answer(single, found) || !take_time(single, found.this_update)) return false;
    if (is_at(single, tagged(0))) {
        time_point until{};
        if (!take(single, outer, tagged(0)) || !take_time(outer, until) || CBS_len(&outer) != 0) return false;
        found.next_update = until;
    }
    if (!read_extensions(single, place::single)) return false;
    message.answers.push_back(found);
    return true;
}

bool reader::read_cert_id(CBS& single, ocsp_single_response& into) {
    CBS id, algorithm, oid, name, key, serial;
    if (!take(single, id, CBS_ASN1_SEQUENCE) || !take(id, algorithm, CBS_ASN1_SEQUENCE)) return false;
    if (!take(algorithm, oid, CBS_ASN1_OBJECT)) return false;
    if (!take(id, name, CBS_ASN1_OCTETSTRING) || !take(id, key, CBS_ASN1_OCTETSTRING)) return false;
    if (!take_only(id, serial, CBS_ASN1_INTEGER)) return false;
    into.hash = OBJ_cbs2nid(&oid);
    into.name_hash = view_of(name);
    into.key_hash = view_of(key);
    into.serial = view_of(serial);
    return true;
}

bool reader::read_answer(CBS& single, ocsp_single_response& into) {
    CBS content;
    if (is_at(single, CBS_ASN1_CONTEXT_SPECIFIC | 0U)) {
        into.status = ocsp_status::good;
        return take(single, content, CBS_ASN1_CONTEXT_SPECIFIC | 0U) && CBS_len(&content) == 0;
    }
    if (is_at(single, CBS_ASN1_CONTEXT_SPECIFIC | 2U)) {
        into.status = ocsp_status::unknown;
        return take(single, content, CBS_ASN1_CONTEXT_SPECIFIC | 2U) && CBS_len(&content) == 0;
    }
    into.status = ocsp_status::revoked;
    return take(single, content, tagged(1)) && read_revoked(content, into);
}

bool reader::read_revoked(CBS revoked, ocsp_single_response& into) {
    time_point when{};
    if (!take_time(revoked, when)) return false;
    into.revoked_at = when;
    if (CBS_len(&revoked) == 0) return true;
    CBS outer, reason;  // any reason will do, certificateHold as well
    return take_only(revoked, outer, tagged(0)) && take_only(outer, reason, CBS_ASN1_ENUMERATED);
}

// What comes last, if anything does.
bool reader::read_extensions(CBS& from, place where) {
    if (CBS_len(&from) == 0) return true;
    CBS outer, list, one;
    if (!take_only(from, outer, tagged(1)) || !take_only(outer, list, CBS_ASN1_SEQUENCE)) return false;
    while (CBS_len(&list) > 0)
        if (!take(list, one, CBS_ASN1_SEQUENCE) || !read_extension(one, where)) return false;
    return true;
}

bool reader::read_extension(CBS extension, place where) {
    static constexpr std::uint8_t nonce_oid[] = {0x2b, 6, 1, 5, 5, 7, 0x30, 1, 2};
    CBS oid, value, nonce;
    int critical = 0;
    if (!take(extension, oid, CBS_ASN1_OBJECT)) return false;
    if (is_at(extension, CBS_ASN1_BOOLEAN) && CBS_get_asn1_bool(&extension, &critical) != 1) return false;
    if (!take_only(extension, value, CBS_ASN1_OCTETSTRING)) return false;
    if (where == place::response && CBS_mem_equal(&oid, nonce_oid, sizeof nonce_oid) == 1) {
        if (message.nonce) return refuse("more than one nonce");
        bool const proper = take_only(value, nonce, CBS_ASN1_OCTETSTRING);
        message.nonce = proper ? view_of(nonce) : der_view();  // what is not one, matches none
        return true;
    }
    return critical == 0 || refuse("unknown critical extension");
}

}  // namespace

std::variant<ocsp_message, ocsp_fault> parse_ocsp_response(der_view der) {
    reader parser;
    if (!parser.read(der)) return ocsp_fault{std::move(parser.why)};
    return std::move(parser.message);
}

}  // namespace ftpsgate::policy
