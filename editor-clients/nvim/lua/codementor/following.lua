--- Follow: go where the other is, and keep their cursor in view, until one moves on one's own; not while one types.
local M = {}

local api = vim.api
local followed ---@type string? participant
local placed ---@type { buf: integer, row: integer, tick: integer }? where following last put the own cursor

local function here()
  local buf = api.nvim_get_current_buf()
  return { buf = buf, row = api.nvim_win_get_cursor(0)[1], tick = api.nvim_buf_get_changedtick(buf) }
end

--- Begins at once, where their cursor is known; nil ends it.
---@param participant string?
function M.set(participant)
  followed, placed = participant, nil
  local known = participant and require('codementor.cursors').where(participant)
  if known then
    M.moved(known)
  end
end

---@return string?
function M.get()
  return followed
end

--- Opens the document at the followed participant's cursor without stealing insert mode.
---@param params { uri: string, cursors: table[] }
function M.moved(params)
  if not followed or vim.fn.mode():sub(1, 1) == 'i' then
    return
  end
  for _, cursor in ipairs(params.cursors) do
    if cursor.participant == followed then
      local client = require('codementor.client').get()
      local range = { start = cursor.position, ['end'] = cursor.position }
      vim.lsp.util.show_document(
        { uri = params.uri, range = range },
        client and client.offset_encoding or 'utf-16',
        { reuse_win = true, focus = true }
      )
      placed = here()
    end
  end
end

--- The own cursor moved. To another line without a change of the text, it was its user who moved it.
function M.own_moved()
  if not placed then
    return
  end
  local now = here()
  if now.buf == placed.buf and now.row ~= placed.row and now.tick == placed.tick then
    M.set(nil)
    require('codementor.client').execute('follow', { participant = vim.NIL })
    require('codementor.client').notify('you follow no longer.')
  else
    placed = now
  end
end

return M
