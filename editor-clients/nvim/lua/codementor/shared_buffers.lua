--- `codementor://` buffers: the learner's files in the mentor's editor, with a filetype, so that the mentor's own tools
--- attach. Nothing of them is on disk; writing one only says that there is nothing to save.
local M = {}

local api = vim.api

--- Fills a buffer for BufReadCmd.
---@param buf integer
---@param uri string
function M.read(buf, uri)
  local client = require('codementor.client').require()
  if not client then
    return
  end
  local answer, failure = client:request_sync('codementor/openShared', { uri = uri }, 5000, buf)
  if not answer or answer.err then
    local reason = answer and answer.err.message or failure or 'no answer'
    return require('codementor.client').notify(uri .. ': ' .. reason, vim.log.levels.ERROR)
  end
  M.fill(buf, answer.result)
  vim.bo[buf].filetype = answer.result.languageId
  if not vim.lsp.buf_is_attached(buf, client.id) then
    vim.lsp.buf_attach_client(buf, client.id)
  end
end

--- The text as the buffer's first state: undo cannot take it away, and no modeline of a stranger's is read.
---@param buf integer
---@param shared { text: string, readOnly: boolean }
function M.fill(buf, shared)
  local options = vim.bo[buf]
  options.modeline, options.swapfile, options.buftype = false, false, 'acwrite'
  local text = shared.text
  options.eol = text == '' or text:sub(-1) == '\n'
  options.fixeol = false
  if options.eol then
    text = text:sub(1, -2)
  end
  local levels = options.undolevels
  options.undolevels = -1
  api.nvim_buf_set_lines(buf, 0, -1, true, vim.split(text, '\n', { plain = true }))
  options.undolevels = levels
  options.modified = false
  options.readonly = shared.readOnly
  api.nvim_create_autocmd('BufWriteCmd', {
    buffer = buf,
    callback = function()
      vim.bo[buf].modified = false
      require('codementor.client').notify('the learner saves their own files; nothing is written here.')
    end,
  })
end

--- Shows in each open file whether the learner lets this user type into it now.
---@param session table
function M.show_mode(session)
  for _, file in ipairs(session.files) do
    local buf = file.uri:match('^codementor:') and vim.fn.bufnr('^' .. vim.fn.fnameescape(file.uri) .. '$') or -1
    if buf >= 0 and api.nvim_buf_is_loaded(buf) then
      vim.bo[buf].readonly = file.readOnly
    end
  end
end

--- Opens files that have joined the session: the first in this window, the rest in the buffer list.
---@param before table?
---@param session table
function M.open_new(before, session)
  local known = {}
  for _, file in ipairs(before and before.files or {}) do
    known[file.uri] = true
  end
  for _, file in ipairs(session.files) do
    if not known[file.uri] and file.uri:match('^codementor:') then
      if next(known) then
        vim.cmd.badd(vim.fn.fnameescape(file.uri))
      else
        vim.cmd.edit(vim.fn.fnameescape(file.uri))
      end
      known[file.uri] = true
    end
  end
end

return M
