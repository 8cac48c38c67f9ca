--- The session's chat as a read-only buffer; a new line from the other is also shown as a message.
local M = {}

local api = vim.api
local buffer ---@type integer?

---@return integer
local function chat_buffer()
  if not (buffer and api.nvim_buf_is_valid(buffer)) then
    buffer = api.nvim_create_buf(false, true)
    api.nvim_buf_set_name(buffer, 'Codementor chat')
    vim.bo[buffer].modeline = false
    vim.bo[buffer].modifiable = false
  end
  return buffer
end

---@param params { name: string, text: string, mine: boolean }
function M.said(params)
  local buf = chat_buffer()
  local lines = vim.split(params.name .. ': ' .. params.text, '\n', { plain = true })
  local empty = api.nvim_buf_line_count(buf) == 1 and api.nvim_buf_get_lines(buf, 0, 1, true)[1] == ''
  vim.bo[buf].modifiable = true
  api.nvim_buf_set_lines(buf, empty and 0 or -1, -1, true, lines)
  vim.bo[buf].modifiable = false
  if not params.mine then
    require('codementor.client').notify(params.name .. ': ' .. params.text)
  end
end

function M.show()
  local buf = chat_buffer()
  local window = vim.fn.bufwinid(buf)
  if window == -1 then
    vim.cmd('botright 8split')
    api.nvim_win_set_buf(0, buf)
  end
end

return M
