--- Follow: keep the other's cursor in view, until one moves away on one's own.
local M = {}

local followed ---@type string? participant

---@param participant string?
function M.set(participant)
  followed = participant
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
    end
  end
end

return M
