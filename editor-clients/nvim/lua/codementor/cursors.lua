--- The other's cursor, selection and pointer as extmarks; one's own cursor reported to the server.
local M = {}

local api = vim.api
local namespace = api.nvim_create_namespace('codementor.cursors')
local pointer_namespace = api.nvim_create_namespace('codementor.pointer')

local REPORT_EVERY_MS = 50
local POINTER_SHOWN_MS = 15000

---@class codementor.Shown
---@field cursors table[] as last told
---@field moved_at table<string, integer> when each participant's moved, in milliseconds of vim.uv.now()
---@field own_row integer? where the own cursor was when they were painted
---@field painting integer which painting this is, for the timer of an older one

local shown = {} ---@type table<integer, codementor.Shown> by buffer

---@param uri string
---@return integer? buf
local function loaded(uri)
  local buf = vim.uri_to_bufnr(uri)
  return api.nvim_buf_is_loaded(buf) and buf or nil
end

---@param buf integer
---@param position lsp.Position
---@return integer row, integer col, string line
local function place(buf, position)
  local client = require('codementor.client').get()
  local row = math.min(position.line, api.nvim_buf_line_count(buf) - 1)
  local line = api.nvim_buf_get_lines(buf, row, row + 1, true)[1]
  local encoding = client and client.offset_encoding or 'utf-16'
  return row, math.min(vim.str_byteindex(line, encoding, position.character, false), #line), line
end

--- `:colorscheme` clears highlights, so they are set again with each drawing.
---@param participant string
---@param colour string
---@return { cursor: string, selection: string }
local function highlights(participant, colour)
  local id = participant:gsub('%W', '')
  local groups = { cursor = 'CodementorCursor' .. id, selection = 'CodementorSelection' .. id }
  local valid = colour:match('^#%x%x%x%x%x%x$') and colour or '#7c3aed'
  api.nvim_set_hl(0, groups.cursor, { bg = valid, fg = '#ffffff', bold = true, ctermbg = 5, ctermfg = 15 })
  api.nvim_set_hl(0, groups.selection, { bg = valid, fg = '#ffffff', ctermbg = 13, blend = 40 })
  return groups
end

---@param buf integer
---@param range lsp.Range
---@param group string
---@param in_namespace integer
local function mark_range(buf, range, group, in_namespace)
  local row, col = place(buf, range.start)
  local end_row, end_col = place(buf, range['end'])
  api.nvim_buf_set_extmark(buf, in_namespace, row, col, {
    end_row = end_row,
    end_col = end_col,
    hl_group = group,
    strict = false,
  })
end

---@param buf integer
---@return integer? row of the own cursor, where it is in this buffer
local function own_row(buf)
  return api.nvim_get_current_buf() == buf and api.nvim_win_get_cursor(0)[1] - 1 or nil
end

--- For how long a name still stands behind its line: it goes some seconds after the last move, and at once where the own
--- cursor is in that line, so that it is never in the way of what one types or reads.
---@param of codementor.Shown
---@param cursor table
---@return number milliseconds, 0 for none, math.huge for ever
local function name_stands_ms(of, cursor)
  local options = require('codementor.config').get()
  if not options.cursor_names or of.own_row == cursor.position.line then
    return 0
  elseif options.cursor_name_seconds == 0 then
    return math.huge
  end
  local since = vim.uv.now() - of.moved_at[cursor.participant]
  return math.max(0, math.ceil(options.cursor_name_seconds * 1000) - since)
end

---@param buf integer
---@param cursor table codementor/cursors' entry
---@param with_name boolean
local function draw_one(buf, cursor, with_name)
  local groups = highlights(cursor.participant, cursor.colour)
  local row, col, line = place(buf, cursor.position)
  local mark = { strict = false, hl_mode = 'combine' }
  if with_name then
    mark.virt_text = { { ' ' .. cursor.name .. ' ', groups.cursor } }
    mark.virt_text_pos = 'eol'
  end
  if col < #line then
    -- Not by a function of Vim's: those take no NUL, which a line may hold.
    local end_col = col + 1 + vim.str_utf_end(line, col + 1)
    mark.end_row, mark.end_col, mark.hl_group = row, end_col, groups.cursor
  else
    api.nvim_buf_set_extmark(buf, namespace, row, col, {
      virt_text = { { '▏', groups.cursor } },
      virt_text_pos = 'overlay',
      strict = false,
    })
  end
  api.nvim_buf_set_extmark(buf, namespace, row, col, mark)
  if cursor.selection then
    mark_range(buf, cursor.selection, groups.selection, namespace)
  end
end

---@param buf integer
local function paint(buf)
  local of = shown[buf]
  of.own_row, of.painting = own_row(buf), of.painting + 1
  local painting, next_change_ms = of.painting, math.huge
  api.nvim_buf_clear_namespace(buf, namespace, 0, -1)
  for _, cursor in ipairs(of.cursors) do
    local stands_ms = name_stands_ms(of, cursor)
    draw_one(buf, cursor, stands_ms > 0)
    next_change_ms = stands_ms > 0 and math.min(next_change_ms, stands_ms) or next_change_ms
  end
  if next_change_ms < math.huge then
    vim.defer_fn(function()
      if shown[buf] and shown[buf].painting == painting and api.nvim_buf_is_loaded(buf) then
        paint(buf)
      end
    end, next_change_ms)
  end
end

--- Draws all remote cursors of a document anew; an empty list clears them.
---@param params { uri: string, cursors: table[] }
function M.draw(params)
  local buf = loaded(params.uri)
  if not buf then
    return
  end
  local of = shown[buf] or { cursors = {}, moved_at = {}, painting = 0 }
  local before = {}
  for _, cursor in ipairs(of.cursors) do
    before[cursor.participant] = cursor.position
  end
  for _, cursor in ipairs(params.cursors) do
    if not vim.deep_equal(before[cursor.participant], cursor.position) then
      of.moved_at[cursor.participant] = vim.uv.now()
    end
  end
  of.cursors, shown[buf] = params.cursors, of
  paint(buf)
  require('codementor.following').moved(params)
end

--- Where somebody's cursor was last told to be.
---@param participant string
---@return { uri: string, cursors: table[] }?
function M.where(participant)
  for buf, of in pairs(shown) do
    for _, cursor in ipairs(of.cursors) do
      if cursor.participant == participant and api.nvim_buf_is_loaded(buf) then
        return { uri = vim.uri_from_bufnr(buf), cursors = { cursor } }
      end
    end
  end
end

--- The own cursor came into a line with a name, or left one.
---@param buf integer
local function own_moved(buf)
  local of = shown[buf]
  local row = of and own_row(buf)
  if not of or row == of.own_row then
    return
  end
  for _, cursor in ipairs(of.cursors) do
    if cursor.position.line == row or cursor.position.line == of.own_row then
      return paint(buf)
    end
  end
  of.own_row = row
end

--- Shows where the other points, with the note, for some seconds.
---@param params { uri: string, range: lsp.Range, name: string, note: string, participant: string, colour: string }
function M.point(params)
  local buf = loaded(params.uri)
  if not buf then
    return
  end
  api.nvim_buf_clear_namespace(buf, pointer_namespace, 0, -1)
  local groups = highlights(params.participant, params.colour)
  mark_range(buf, params.range, groups.selection, pointer_namespace)
  local row = place(buf, params.range.start)
  api.nvim_buf_set_extmark(buf, pointer_namespace, row, 0, {
    virt_lines = { { { ' ' .. params.name .. ': ' .. params.note .. ' ', groups.cursor } } },
    virt_lines_above = row > 0,
    strict = false,
  })
  vim.defer_fn(function()
    if api.nvim_buf_is_valid(buf) then
      api.nvim_buf_clear_namespace(buf, pointer_namespace, 0, -1)
    end
  end, POINTER_SHOWN_MS)
end

---@param client vim.lsp.Client
---@param buf integer
---@param row integer zero-based
---@param byte integer
---@return lsp.Position
local function position(client, buf, row, byte)
  local line = api.nvim_buf_get_lines(buf, row, row + 1, false)[1] or ''
  return { line = row, character = vim.str_utfindex(line, client.offset_encoding, math.min(byte, #line), false) }
end

--- The range selected in visual mode, or the caret as an empty one; and whether the caret is at its start.
---@param client vim.lsp.Client
---@param buf integer
---@return lsp.Range, boolean
function M.own_selection(client, buf)
  local caret_row, caret_byte = unpack(api.nvim_win_get_cursor(0))
  local caret = position(client, buf, caret_row - 1, caret_byte)
  local mode = vim.fn.mode()
  if not (mode == 'v' or mode == 'V' or mode == '\22') then
    return { start = caret, ['end'] = caret }, false
  end
  local other = vim.fn.getpos('v')
  local anchor = position(client, buf, other[2] - 1, other[3] - 1)
  local backwards = caret.line < anchor.line or (caret.line == anchor.line and caret.character < anchor.character)
  if backwards then
    return { start = caret, ['end'] = anchor }, true
  end
  return { start = anchor, ['end'] = caret }, false
end

--- Reports the own cursor of a buffer, at most every 50 ms, the last place always.
---@param client vim.lsp.Client
---@param buf integer
function M.report_own(client, buf)
  local waiting = false
  local function report()
    waiting = false
    if api.nvim_get_current_buf() ~= buf or client:is_stopped() then
      return
    end
    local range, reversed = M.own_selection(client, buf)
    client:notify('codementor/cursor', {
      textDocument = { uri = vim.uri_from_bufnr(buf), version = vim.lsp.util.buf_versions[buf] },
      selections = { range },
      reversed = reversed,
    })
  end
  api.nvim_create_autocmd({ 'CursorMoved', 'CursorMovedI', 'ModeChanged', 'BufEnter' }, {
    group = api.nvim_create_augroup('codementor.cursor.' .. buf, {}),
    buffer = buf,
    callback = function()
      own_moved(buf)
      require('codementor.following').own_moved()
      if not waiting then
        waiting = true
        vim.defer_fn(report, REPORT_EVERY_MS)
      end
    end,
  })
  api.nvim_create_autocmd('BufUnload', {
    buffer = buf,
    callback = function()
      shown[buf] = nil
    end,
  })
end

return M
