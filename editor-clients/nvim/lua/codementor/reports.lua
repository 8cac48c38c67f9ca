--- Tells the server in one didChange what one key or command did, though Neovim reports it piece by piece.
---
--- Neovim joins two lines by copying the second behind the first and deleting the second. Told one by one, that is a copy and a
--- deletion; what somebody else types into the second line meanwhile would not go with it. Told together, the server sees the
--- line end go. Nothing is held longer than the turn of Neovim's loop it happened in, and nothing overtakes it.
local M = {}

local held ---@type { params: table, send: fun(method: string, params: table): boolean }?

--- Sends what is held.
function M.flush()
  local one = held
  held = nil
  if one then
    one.send('textDocument/didChange', one.params)
  end
end

---@param send fun(method: string, params: table): boolean
---@param params table
local function hold(send, params)
  if held and held.params.textDocument.uri ~= params.textDocument.uri then
    M.flush()
  end
  if held then
    held.params.textDocument = params.textDocument
    vim.list_extend(held.params.contentChanges, params.contentChanges)
    return
  end
  -- A copy: other servers are sent the same table.
  local changes = vim.list_extend({}, params.contentChanges)
  held = { params = { textDocument = params.textDocument, contentChanges = changes }, send = send }
  vim.schedule(M.flush)
end

--- In place of `send`, for every notification to the server.
---@param send fun(method: string, params: table): boolean
---@param method string
---@param params table
---@return boolean
function M.notify(send, method, params)
  if method == 'textDocument/didChange' then
    hold(send, params)
    return true
  end
  M.flush()
  return send(method, params)
end

return M
