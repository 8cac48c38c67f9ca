--- Applies the other person's edits honestly: moved over what was typed since, in one step, or not at all.
---
--- The server's edit is over the document at some version; typing goes on while it travels. What was typed since is what
--- has been told by didChange since (no debounce), so the history is read off the messages themselves.
--- Buffer events would not do: on undo their ticks are not those of the versions. Of each change (from, old end, new end) is
--- enough to move a range over it: text typed at the place of an edit stays left of it, deletions split around text typed
--- inside them. Places are {row, byte column}.
local M = {}

local api = vim.api

local CHANGES_KEPT_MAX = 1000

---@alias codementor.Place [integer, integer]

---@class codementor.LocalChange
---@field version integer the document's version after it
---@field from codementor.Place
---@field old_end codementor.Place
---@field new_end codementor.Place

---@class codementor.Piece
---@field from codementor.Place
---@field to codementor.Place
---@field text string

---@class codementor.History
---@field oldest integer edits for versions before this one cannot be moved any more
---@field changes codementor.LocalChange[]
---@field is_new_to_server boolean? edits that come now may still be for an earlier opening, whose versions count the same

local histories = {} ---@type table<string, codementor.History> by URI
local opened_before = {} ---@type table<string, true> by URI

--- Where text that starts at a place ends.
---@param from codementor.Place
---@param text string
---@return codementor.Place
local function end_of(from, text)
  local _, newlines = text:gsub('\n', '')
  if newlines == 0 then
    return { from[1], from[2] + #text }
  end
  return { from[1] + newlines, #text:match('[^\n]*$') }
end

---@param a codementor.Place
---@param b codementor.Place
local function before(a, b)
  return a[1] < b[1] or (a[1] == b[1] and a[2] < b[2])
end

--- Where a place at or behind the old end of a change is after it.
---@param place codementor.Place
---@param change codementor.LocalChange
---@return codementor.Place
local function shifted(place, change)
  if place[1] == change.old_end[1] then
    return { change.new_end[1], change.new_end[2] + place[2] - change.old_end[2] }
  end
  return { place[1] + change.new_end[1] - change.old_end[1], place[2] }
end

--- One piece of an edit moved over one local change: one piece, or two where the change lies inside it.
---@param piece codementor.Piece
---@param change codementor.LocalChange
---@return codementor.Piece, codementor.Piece?
function M.moved(piece, change)
  local starts_before = before(piece.from, change.from)
  local ends_behind = before(change.old_end, piece.to)
  if starts_before then
    if not ends_behind then
      local to = before(change.from, piece.to) and change.from or piece.to
      return { from = piece.from, to = to, text = piece.text }
    end
    local to = shifted(piece.to, change)
    if not before(change.from, change.new_end) then
      return { from = piece.from, to = to, text = piece.text }
    end
    return { from = piece.from, to = change.from, text = piece.text }, { from = change.new_end, to = to, text = '' }
  end
  local from = before(change.old_end, piece.from) and shifted(piece.from, change) or change.new_end
  local to = ends_behind and shifted(piece.to, change) or from
  return { from = from, to = before(to, from) and from or to, text = piece.text }
end

---@param history codementor.History
---@param params table
local function record(history, params)
  local version = params.textDocument.version
  for _, change in ipairs(params.contentChanges) do
    if not change.range then
      history.changes, history.oldest = {}, version
      return
    end
    local from = { change.range.start.line, change.range.start.character }
    history.changes[#history.changes + 1] = {
      version = version,
      from = from,
      old_end = { change.range['end'].line, change.range['end'].character },
      new_end = end_of(from, change.text),
    }
  end
  while #history.changes > CHANGES_KEPT_MAX do
    history.oldest = table.remove(history.changes, 1).version
  end
end

--- Sees every notification to the server before it goes out; where a document is opened again, what is to be
--- called once the server has read that: what it sends from then on is for this opening.
---@param method string
---@param params table
---@return function?
function M.sending(method, params)
  if method == 'textDocument/didOpen' then
    local uri = params.textDocument.uri
    local again = opened_before[uri]
    opened_before[uri] = true
    local history = { oldest = params.textDocument.version, changes = {}, is_new_to_server = again }
    histories[uri] = history
    return again and function()
      history.is_new_to_server = false
    end
  elseif method == 'textDocument/didChange' then
    local history = histories[params.textDocument.uri]
    if history then
      record(history, params)
    end
  elseif method == 'textDocument/didClose' then
    histories[params.textDocument.uri] = nil
  end
end

---@param piece codementor.Piece
local function changes_something(piece)
  return piece.text ~= '' or before(piece.from, piece.to)
end

---@param pieces codementor.Piece[]
---@param history codementor.History
---@param version integer
---@return codementor.Piece[]
local function over_changes_since(pieces, history, version)
  for _, change in ipairs(history.changes) do
    if change.version > version then
      local moved = {}
      for _, piece in ipairs(pieces) do
        local first, second = M.moved(piece, change)
        moved[#moved + 1] = changes_something(first) and first or nil
        moved[#moved + 1] = second
      end
      pieces = moved
    end
  end
  return pieces
end

---@param buf integer
---@return codementor.Place
local function end_of_last_line(buf)
  local last = api.nvim_buf_line_count(buf) - 1
  return { last, #api.nvim_buf_get_lines(buf, last, last + 1, true)[1] }
end

--- The text between two places, of which LSP knows one more than Neovim: behind the last line's newline.
---@param buf integer
---@param from codementor.Place
---@param to codementor.Place
---@return string
local function text_between(buf, from, to)
  local last = end_of_last_line(buf)
  if before(last, from) then
    return ''
  end
  local inside = before(last, to) and last or to
  local text = table.concat(api.nvim_buf_get_text(buf, from[1], from[2], inside[1], inside[2], {}), '\n')
  return before(last, to) and text .. '\n' or text
end

--- Says a change that reaches behind the last newline from before it; Neovim keeps that newline by itself.
---@param buf integer
---@param piece codementor.Piece
local function keep_inside(buf, piece)
  local last = end_of_last_line(buf)
  if not before(last, piece.to) then
    return
  end
  piece.to = last
  if before(last, piece.from) then
    piece.from = last
    piece.text = '\n' .. piece.text:gsub('\n$', '')
  elseif piece.text:sub(-1) == '\n' then
    piece.text = piece.text:sub(1, -2)
  elseif piece.text == '' and piece.from[2] == 0 and piece.from[1] > 0 then
    local row = piece.from[1] - 1
    piece.from = { row, #api.nvim_buf_get_lines(buf, row, row + 1, true)[1] }
  end
end

--- Puts the pieces in by one change of the buffer, so that one version and one report come of it.
---@param buf integer
---@param pieces codementor.Piece[] ascending, not touching
local function replace(buf, pieces)
  local whole = { from = pieces[1].from, to = pieces[#pieces].to, text = '' }
  local at = whole.from
  for _, piece in ipairs(pieces) do
    whole.text = whole.text .. text_between(buf, at, piece.from) .. piece.text
    at = piece.to
  end
  keep_inside(buf, whole)
  local lines = vim.split(whole.text:gsub('\r\n', '\n'), '\n', { plain = true })
  api.nvim_buf_set_text(buf, whole.from[1], whole.from[2], whole.to[1], whole.to[2], lines)
end

---@param client vim.lsp.Client
---@param position lsp.Position
---@return codementor.Place
local function place_of(client, position)
  assert(client.offset_encoding == 'utf-8', 'cm-lsp negotiates utf-8 with Neovim')
  return { position.line, position.character }
end

--- The version the server knows a buffer by: Neovim's changedtick as last reported.
---@param buf integer
local function version_of(buf)
  return vim.lsp.util.buf_versions[buf] or api.nvim_buf_get_changedtick(buf)
end

--- Answers `codementor/applyEdit`.
---@param params { uri: string, version: integer, edits: lsp.TextEdit[] }
---@param client_id integer
---@return { applied: boolean, version: integer? }
function M.apply(params, client_id)
  local buf = vim.uri_to_bufnr(params.uri)
  local client = vim.lsp.get_client_by_id(client_id)
  if not client or not api.nvim_buf_is_loaded(buf) or not vim.lsp.buf_is_attached(buf, client_id) then
    return { applied = false }
  end
  local history = histories[params.uri]
  local is_known = history
    and not history.is_new_to_server
    and params.version >= history.oldest
    and params.version <= version_of(buf)
  if not history or not is_known or not vim.bo[buf].modifiable then
    return { applied = false, version = version_of(buf) }
  end
  local pieces = {}
  for _, edit in ipairs(params.edits) do
    local range = edit.range
    pieces[#pieces + 1] =
      { from = place_of(client, range.start), to = place_of(client, range['end']), text = edit.newText }
  end
  pieces = over_changes_since(vim.tbl_filter(changes_something, pieces), history, params.version)
  -- The edit is a report of its own: what was typed before is told before, what is typed behind it after.
  require('codementor.reports').flush()
  local applied = #pieces > 0 and pcall(replace, buf, pieces)
  require('codementor.reports').flush()
  return { applied = applied, version = version_of(buf) }
end

--- Answers `codementor/readDocument`.
---@param params { uri: string }
---@param client_id integer
function M.read(params, client_id)
  local buf = vim.uri_to_bufnr(params.uri)
  if not api.nvim_buf_is_loaded(buf) or not vim.lsp.buf_is_attached(buf, client_id) then
    return vim.NIL
  end
  require('codementor.reports').flush()
  local ending = ({ dos = '\r\n', mac = '\r' })[vim.bo[buf].fileformat] or '\n'
  local text = table.concat(api.nvim_buf_get_lines(buf, 0, -1, true), ending)
  if vim.bo[buf].eol then
    text = text .. ending
  end
  return { text = text, version = version_of(buf), languageId = vim.bo[buf].filetype }
end

return M
