--- How the open ask stands, while its learner waits: for the statusline, and said when it becomes something else.
local M = {}

local shown ---@type string?
local said ---@type string?

--- Numbers count down; they alone are no news.
---@param text string
local function news(text)
  return (text:gsub('%d+', 'N'))
end

---@return string? text
function M.text()
  return shown
end

---@param params lsp.ProgressParams
function M.progressed(params)
  local value = params.value
  local ends = value.kind == 'end'
  shown = not ends and value.message or nil
  if shown and news(shown) ~= said then
    require('codementor.client').notify(shown)
  end
  said = shown and news(shown)
  vim.cmd.redrawstatus({ bang = true })
end

return M
