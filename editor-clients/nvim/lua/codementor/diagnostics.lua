--- Tells the server what other tools say of a buffer, which LSP does not show it: the mentor sees the same.
local M = {}

local api = vim.api

local REPORT_AFTER_MS = 200
local MOST = 50

--- The diagnostics of everybody but our own server, worst first, as LSP writes them. Neovim counts bytes, as does utf-8.
---@param client vim.lsp.Client
---@param buf integer
---@return table[]
function M.of_others(client, buf)
  local own = vim.lsp.diagnostic.get_namespace(client.id)
  local found = vim.tbl_filter(function(diagnostic)
    return diagnostic.namespace ~= own
  end, vim.diagnostic.get(buf))
  table.sort(found, function(a, b)
    if a.severity ~= b.severity then
      return a.severity < b.severity
    end
    return a.lnum < b.lnum
  end)
  return vim.tbl_map(function(diagnostic)
    return {
      message = diagnostic.message,
      severity = diagnostic.severity,
      source = diagnostic.source,
      code = diagnostic.code,
      range = {
        start = { line = diagnostic.lnum, character = diagnostic.col },
        ['end'] = { line = diagnostic.end_lnum or diagnostic.lnum, character = diagnostic.end_col or diagnostic.col },
      },
    }
  end, vim.list_slice(found, 1, MOST))
end

--- Reports a buffer's diagnostics when they change, once for each burst of changes.
---@param client vim.lsp.Client
---@param buf integer
function M.report(client, buf)
  local waiting = false
  local last ---@type table[]?
  local function report()
    waiting = false
    if not api.nvim_buf_is_valid(buf) or client:is_stopped() then
      return
    end
    local diagnostics = M.of_others(client, buf)
    if vim.deep_equal(diagnostics, last or {}) then
      return
    end
    last = diagnostics
    client:notify('codementor/diagnostics', { uri = vim.uri_from_bufnr(buf), diagnostics = diagnostics })
  end
  local function soon()
    if not waiting then
      waiting = true
      vim.defer_fn(report, REPORT_AFTER_MS)
    end
  end
  api.nvim_create_autocmd('DiagnosticChanged', {
    group = api.nvim_create_augroup('codementor.diagnostics.' .. buf, {}),
    buffer = buf,
    callback = soon,
  })
  soon() -- other tools may have been faster
end

return M
