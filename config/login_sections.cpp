#include "config/login_sections.hpp"

#include "config/login_shapes.hpp"

namespace ftpsgate::config {

namespace {

constexpr std::size_t longest_name = 253;

/// How many of them are allowed is a matter of validate_logins.cpp.
void read_password(section& in, password_source& out) {
    in.optional("password", out.value, or_empty{placed{}});
    in.optional("password_file", out.file, or_empty{password_file{}});
    in.optional("password_env", out.environment, or_empty{environment_name{}});
}

/// The patterns and the hexadecimal numbers in them are read by policy/. An empty one is a fault: nobody could tell
/// whether it means "any" or "none".
void read_matchers(section& in, identity_rule_settings& out) {
    in.optional("subject", out.subject, placed{});
    in.optional("issuer", out.issuer, placed{});
    in.optional("serial", out.serial, placed{});
    in.optional("sha256", out.sha256, placed{});
    in.optional("spki_sha256", out.spki_sha256, placed{});
    in.optional("email", out.email, placed{});
    in.optional("dns", out.dns, placed{});
    in.optional("upn", out.upn, placed{});
    in.optional("uri", out.uri, placed{});
}

/// It opens the directory before any user is known.
void read_bind_password(section& in, password_source& out) {
    static constexpr auto key = "bind_password_file";
    in.optional(key, out.file, or_empty{readable_file{}});
    if (out.file && out.file->path.find("%u") != std::string::npos)
        in.report(key, {"must not contain '%u'", "the directory is opened before any user is known"});
}

void read_map_by(section& in, std::vector<mapping_form>& out) {
    using enum mapping_form;
    in.list("map_by", out,
            one_of<mapping_form>{{"issuer-serial", issuer_serial},
                                 {"ski", ski},
                                 {"sha1-public-key", sha1_public_key},
                                 {"sid", sid},
                                 {"user-certificate", user_certificate},
                                 {"upn", upn},
                                 {"issuer-subject", issuer_subject},
                                 {"subject", subject},
                                 {"rfc822", rfc822}},
            at_least::one);
}

}  // namespace

void read_authentication(section& in, authentication_settings& out) {
    in.optional("basic", out.basic, flag{});
    in.optional("client_certificate", out.client_certificate, flag{});
    in.optional("reply", out.reply, login_reply{});
    in.optional("user_must_match", out.user_must_match, flag{});
}

void read_identity_rule(section& in, identity_rule_settings& out) {
    out.where = in.where();
    in.required("name", out.name, text{longest_name});
    read_matchers(in, out);
    in.optional("deny", out.deny, flag{});
    in.optional("user", out.user, placed{});
    read_password(in, out.password);
    in.optional("account", out.account, placed{});
}

void read_active_directory(section& in, active_directory_settings& out) {
    out.where = in.where();
    in.optional("enabled", out.enabled, flag{});
    in.optional("url", out.urls, or_empty{directory_urls{}});
    in.optional("start_tls", out.start_tls, flag{});
    in.optional("ca_file", out.ca_file, or_empty{readable_file{}});
    in.optional("bind_dn", out.bind_dn, or_empty{text{}});
    read_bind_password(in, out.bind_password);
    in.optional("base_dn", out.base_dn, or_empty{text{}});
    read_map_by(in, out.map_by);
    in.optional("user_attribute", out.user_attribute, attribute_name{});
    read_password(in, out.password);
    in.optional("timeout", out.timeout, duration{1ms, 24h});
    in.optional("cache_time", out.cache_time, duration{0ms, 24h});
}

}  // namespace ftpsgate::config
