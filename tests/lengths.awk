# Prints FILE:LINE: rule for files of more than file_limit lines and C++ functions of more than function_limit lines,
# from the first line of their declaration to the closing brace.
#
# Counts braces outside comments, strings and preprocessor lines. What stands between the last ; { or } and an opening
# brace (the head) says what the brace opens: a namespace or class (functions inside it count), a function, or data
# (tables may be long, and so may raw strings). Inside functions and data braces are only counted.

function begin_file() {
    end_file()
    file = FILENAME
    is_cpp = file ~ /[.](cpp|hpp)$/
    depth = inner = parens = 0
    head = ""
    in_comment = in_raw = in_directive = 0
}

function end_file() {
    if (file != "" && lines > file_limit) print file ":" lines ": file of " lines " lines, limit " file_limit
    if (file != "" && is_cpp && (depth || inner)) print file ":" lines ": braces do not match, cannot measure functions"
}

# What an opening brace opens: "container", "function", "data", or "initialiser" (a member's, before the body).
function opens(text,   plain, before) {
    plain = text
    while (gsub(/<[^<>()]*>/, "", plain) || gsub(/<[^<>()]*[(][^<>()]*[)][^<>()]*>/, "", plain)) {}
    gsub(/(alignas|__attribute__|decltype|noexcept|requires)[ ]*[(][^()]*[)]/, "", plain)
    if (plain ~ /(^|[^A-Za-z0-9_])(namespace|extern)([^A-Za-z0-9_]|$)/ && plain !~ /[()=]/) return "container"
    if (parens > 0) return "data"
    if (plain ~ /(^|[^A-Za-z0-9_])(class|struct|union|enum)[^A-Za-z0-9_]/ && plain !~ /[(=]/) return "container"
    if (plain !~ /[)]/ || plain ~ /=[ ]*$/) return "data"
    before = substr(text, length(text), 1)
    if (before !~ /[ )]/) return "initialiser"
    return "function"
}

function open_brace(   kind) {
    if (inner) { inner++; return }
    kind = opens(head)
    if (kind == "container") { depth++; clear_head(); return }
    inner = 1
    inner_kind = kind
    inner_head = head
    inner_line = head_line ? head_line : FNR
    raw_lines = 0
}

function close_brace() {
    if (!inner) { if (depth) depth--; clear_head(); return }
    if (--inner) return
    if (inner_kind == "initialiser" || (inner_kind == "data" && parens > 0)) { head = head "i"; return }
    if (inner_kind == "function") measure(FNR - inner_line + 1 - raw_lines)
    clear_head()
}

function measure(length_in_lines,   name) {
    if (length_in_lines <= function_limit) return
    name = inner_head
    sub(/[(].*/, "", name)
    sub(/ +$/, "", name)
    sub(/.* /, "", name)
    print file ":" inner_line ": function " name " of " length_in_lines " lines, limit " function_limit
}

function clear_head() { head = ""; head_line = 0; parens = 0 }

function add(text) {
    if (inner) return
    if (!head_line && text ~ /[^ \t]/) head_line = FNR
    if (head_line) head = head text
}

# Eats text up to the end of a string or character literal; what is left of the line.
function after_literal(line, quote,   i, c) {
    for (i = 1; i <= length(line); i++) {
        c = substr(line, i, 1)
        if (c == "\\") i++
        else if (c == quote) return substr(line, i + 1)
    }
    return ""
}

function take_line(line,   at, c, end) {
    while (line != "") {
        if (in_comment) {
            if (!(end = index(line, "*/"))) return
            line = substr(line, end + 2); in_comment = 0; continue
        }
        if (in_raw) {
            if (!(end = index(line, raw_end))) return
            line = substr(line, end + length(raw_end)); in_raw = 0; continue
        }
        if (!(at = match(line, /[\/"'{}();]/))) { add(line); return }
        add(substr(line, 1, at - 1))
        c = substr(line, at, 1)
        line = take_mark(c, substr(line, 1, at - 1), substr(line, at + 1))
    }
}

# One of / " ' { } ( ) ; was met; what is left of the line behind it.
function take_mark(c, before, rest) {
    if (c == "/") {
        if (substr(rest, 1, 1) == "/") return ""
        if (substr(rest, 1, 1) == "*") { in_comment = 1; return substr(rest, 2) }
        add("/")
    } else if (c == "\"") {
        add("S")
        if (before !~ /(^|[^A-Za-z0-9_])(u8|u|U|L)?R$/) return after_literal(rest, c)
        raw_end = ")" substr(rest, 1, index(rest, "(") - 1) "\""
        in_raw = 1
        return substr(rest, index(rest, "(") + 1)
    } else if (c == "'") {
        if (before !~ /[0-9a-fA-F]$/ || before ~ /(^|[^A-Za-z0-9_])(u8|u|U|L)$/) { add("C"); return after_literal(rest, c) }
    } else if (c == "{") open_brace()
    else if (c == "}") close_brace()
    else if (inner) return rest
    else if (c == ";") { if (parens <= 0) clear_head(); else add(";") }
    else { parens += c == "(" ? 1 : -1; add(c) }
    return rest
}

FNR == 1 { begin_file() }

{
    lines = FNR
    if (!is_cpp) next
    raw_lines += in_raw
    sub(/\r$/, "")
    if (in_directive || (!in_comment && !in_raw && $0 ~ /^[ \t]*#/)) {
        in_directive = $0 ~ /\\$/
        next
    }
    take_line($0)
    add(" ")
    if (head ~ /(public|private|protected)[ ]*:[ ]*$/) clear_head()
}

END { end_file() }
