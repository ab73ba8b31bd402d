#include "metrics/sessions_json.hpp"

#include "metrics/utf8.hpp"

#include <boost/json/src.hpp>

#include <memory>
#include <utility>

namespace ftpsgate::metrics {

namespace {

namespace json = boost::json;

json::value or_null(std::string_view text) {
    if (text.empty()) return nullptr;
    return json::string(text);
}

// Outside ASCII there are only characters of strings, so each may become an escape.
std::string to_ascii(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        auto const next = first_symbol(text);
        if (!next.valid) {
            out += "\\\\x";
            append_hex(out, next.code, 2);
        } else if (next.code >= 0x7F) {
            append_escaped_code(out, next.code);
        } else {
            out += text[0];
        }
        text.remove_prefix(next.bytes);
    }
    return out;
}

/// The array between two portions of rows.
class json_pages {
public:
    explicit json_pages(row_source rows) : rows_(std::move(rows)) {}

    void next(piece_handler done) {
        if (ended_) return done({});
        rows_([this, done = std::move(done)](std::vector<session_row> const& portion) { done(rendered(portion)); });
    }

private:
    std::string rendered(std::vector<session_row> const& portion) {
        std::string piece;
        for (auto const& row : portion) {
            piece += std::exchange(begun_, true) ? ",\n" : "[\n";
            piece += to_json(row);
        }
        if (!portion.empty()) return piece;
        ended_ = true;
        return begun_ ? "\n]\n" : "[]\n";
    }

    row_source rows_;
    bool begun_ = false;
    bool ended_ = false;
};

}  // namespace

std::string to_json(session_row const& row) {
    json::object object;
    object["id"] = row.id;
    object["site"] = row.site;
    object["client"] = row.client;
    object["user"] = or_null(row.user);
    object["backend"] = or_null(row.backend);
    object["tls_version"] = or_null(row.tls_version);
    object["tls_cipher"] = or_null(row.tls_cipher);
    object["state"] = json::string(row.state);
    object["bytes"] = row.bytes;
    object["seconds"] = static_cast<double>(row.age.count()) / 1000;
    return to_ascii(json::serialize(object));
}

piece_source sessions_as_json(row_source rows) {
    return
        [pages = std::make_shared<json_pages>(std::move(rows))](piece_handler done) { pages->next(std::move(done)); };
}

}  // namespace ftpsgate::metrics
