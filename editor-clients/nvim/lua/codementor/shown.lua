--- A text shown anew, such as a preview after "that is no secret", takes the place of the one before.
local M = {}

local api = vim.api

--- `cm-lsp` gives a text that has changed another folder and leaves its name.
---@param path string
local function folder_and_name(path)
  return path:match('^(.*/shown/)[^/]+/([^/]+)$')
end

--- Closes what was shown by that name, but for one.
---@param name string
---@param kept string? path
function M.close(name, kept)
  for _, buf in ipairs(api.nvim_list_bufs()) do
    local path = api.nvim_buf_get_name(buf)
    local _, other = folder_and_name(path)
    if other == name and path ~= kept and not vim.bo[buf].modified then
      api.nvim_buf_delete(buf, {})
    end
  end
end

---@param uri string
function M.close_older(uri)
  local path = vim.startswith(uri, 'file://') and vim.uri_to_fname(uri) or ''
  local folder, name = folder_and_name(path)
  if folder then
    M.close(name, path)
  end
end

return M
