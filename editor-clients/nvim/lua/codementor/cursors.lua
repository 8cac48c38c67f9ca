--- The other's cursor, selection and pointer as extmarks; one's own cursor reported to the server.
local M = {}

local api = vim.api
local namespace = api.nvim_create_namespace('codementor.cursors')
local pointer_namespace = api.nvim_create_namespace('codementor.pointer')

local REPORT_EVERY_MS = 50
local POINTER_SHOWN_MS = 15000

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
---@param cursor table codementor/cursors' entry
local function draw_one(buf, cursor)
  local groups = highlights(cursor.participant, cursor.colour)
  local row, col, line = place(buf, cursor.position)
  local mark = { strict = false, hl_mode = 'combine' }
  if require('codementor.config').get().cursor_names then
    mark.virt_text = { { ' ' .. cursor.name .. ' ', groups.cursor } }
    mark.virt_text_pos = 'eol'
  end
  if col < #line then
    local character = vim.fn.strcharpart(line:sub(col + 1), 0, 1)
    mark.end_row, mark.end_col, mark.hl_group = row, col + #character, groups.cursor
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

--- Draws all remote cursors of a document anew; an empty list clears them.
---@param params { uri: string, cursors: table[] }
function M.draw(params)
  local buf = loaded(params.uri)
  if not buf then
    return
  end
  api.nvim_buf_clear_namespace(buf, namespace, 0, -1)
  for _, cursor in ipairs(params.cursors) do
    draw_one(buf, cursor)
  end
  require('codementor.following').moved(params)
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
      if not waiting then
        waiting = true
        vim.defer_fn(report, REPORT_EVERY_MS)
      end
    end,
  })
end

return M
