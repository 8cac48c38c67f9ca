--- `u` and `CTRL-R` in a session's files: they take back one's own typing and keep the other's work.
---
--- Neovim has one history for a buffer, in which the other's edits are, too; the server knows whose each change is. What it
--- takes back arrives as an edit. Where typing is no edit of the shared text (proposals, looking only), Neovim's own undo is right.
local M = {}

local api = vim.api
local KEYS = { undo = 'u', redo = '<C-r>' }

local mapped = {} ---@type table<integer, true> buffers

---@param command 'undo'|'redo'
---@param count integer
local function take_back(command, count)
  local uri = vim.uri_from_bufnr(0)
  require('codementor.client').execute(command, { uri = uri }, function(result)
    if result.done == vim.NIL or result.done == nil then
      api.nvim_feedkeys(vim.keycode(count .. KEYS[command]), 'n', false)
    elseif not result.done then
      require('codementor.client').notify('there is nothing of yours to ' .. command .. '.')
    elseif count > 1 then
      take_back(command, count - 1)
    end
  end)
end

---@param buf integer
local function map(buf)
  mapped[buf] = true
  for command, key in pairs(KEYS) do
    vim.keymap.set('n', key, function()
      take_back(command, vim.v.count1)
    end, { buffer = buf, desc = 'codementor: ' .. command .. ' what you typed' })
  end
end

---@param buf integer
local function unmap(buf)
  mapped[buf] = nil
  for _, key in pairs(KEYS) do
    pcall(vim.keymap.del, 'n', key, { buffer = buf })
  end
end

--- Maps the keys in the files of a session while it lasts, and nowhere else.
---@param session table codementor/session
function M.session_changed(session)
  local is_over = session.state == 'ended' or session.state == 'closed'
  local shared = {}
  if not is_over and require('codementor.config').get().own_undo then
    for _, file in ipairs(session.files) do
      shared[vim.uri_to_bufnr(file.uri)] = true
    end
  end
  for buf in pairs(mapped) do
    if not shared[buf] then
      unmap(buf)
    end
  end
  for buf in pairs(shared) do
    if not mapped[buf] and api.nvim_buf_is_loaded(buf) then
      map(buf)
    end
  end
end

return M
