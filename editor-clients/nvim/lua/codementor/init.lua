--- Codementor for Neovim: a thin client of `cm-lsp`. It draws and asks; every decision is in the server.
---
---     require('codementor').setup({ server_url = 'http://127.0.0.1:8765' })
---
--- is optional: without it the defaults of `codementor.config` and the environment (CM_TOKEN, CM_SERVER_URL) hold.
local M = {}

--- Takes options, refusing unknown ones by name. May be called again; the server starts with the first file, or at
--- once in a Neovim that is already running, where what startup would have done is made up for.
---@param options codementor.Options?
function M.setup(options)
  if M.is_too_old() then
    return
  end
  require('codementor.config').set(options or {})
  if vim.v.vim_did_enter == 1 then
    vim.cmd.runtime('plugin/codementor.lua')
    if vim.g.codementor_auto_start ~= false then
      M.start()
    end
  end
end

--- Whether this Neovim is, after telling its user what to do.
---@return boolean
function M.is_too_old()
  if vim.fn.has('nvim-0.11') == 1 then
    return false
  end
  local message = 'codementor: Neovim 0.11 or newer is needed; this one is older. See docs/editors for other editors.'
  vim.notify(message, vim.log.levels.WARN)
  return true
end

--- Starts `cm-lsp` for this and every later buffer. Safe to call twice.
function M.start()
  require('codementor.client').start()
end

--- The meter and state for a statusline, escaped; before a session how an ask stands, else empty:
---     vim.o.statusline = "%<%f %=%{%v:lua.require'codementor'.statusline()%}"
---@return string
function M.statusline()
  return require('codementor.meter').statusline()
end

return M
