--- Starts `cm-lsp` and connects its messages to the modules that draw them.
local M = {}

local lsp = vim.lsp

M.name = 'codementor'

--- What `cm-lsp` tells and asks that is drawn or answered here.
M.handlers = {
  ['codementor/applyEdit'] = function(_, params, context)
    return require('codementor.rebase').apply(params, context.client_id)
  end,
  ['codementor/readDocument'] = function(_, params, context)
    return require('codementor.rebase').read(params, context.client_id)
  end,
  ['codementor/lookUp'] = function(_, params, context)
    return require('codementor.look_ups').answer(params, context.client_id)
  end,
  ['$/progress'] = function(failed, params, context)
    require('codementor.waiting').progressed(params)
    return vim.lsp.handlers['$/progress'](failed, params, context)
  end,
  ['window/showDocument'] = function(failed, params, context)
    require('codementor.shown').close_older(params.uri)
    return vim.lsp.handlers['window/showDocument'](failed, params, context)
  end,
  ['codementor/cursors'] = function(_, params)
    require('codementor.cursors').draw(params)
  end,
  ['codementor/point'] = function(_, params)
    require('codementor.cursors').point(params)
  end,
  ['codementor/session'] = function(_, params)
    require('codementor.session').changed(params)
  end,
  ['codementor/status'] = function(_, params)
    require('codementor.session').status_changed(params)
  end,
  ['codementor/meter'] = function(_, params)
    require('codementor.meter').moved(params)
  end,
  ['codementor/sync'] = function(_, params)
    require('codementor.meter').synced(params)
  end,
  ['codementor/offer'] = function(_, params)
    require('codementor.offers').changed(params)
  end,
  ['codementor/chat'] = function(_, params)
    require('codementor.chat').said(params)
  end,
  -- The built-in handler stops at a "Press ENTER" prompt, and with it every remote edit.
  ['window/showMessage'] = function(_, params)
    local level = ({ vim.log.levels.ERROR, vim.log.levels.WARN })[params.type] or vim.log.levels.INFO
    M.notify(params.message, level)
    return vim.NIL
  end,
}

local KEPT = 100
local said = {} ---@type string[]

--- The last messages, whole, the newest last.
---@return string[]
function M.said()
  return said
end

--- One line of the message area, so that nothing blocks: what is longer, or comes on top of another message, would make
--- Neovim wait for a key, and with it every remote edit. The whole of it is in `:Codementor messages`.
---@param message string
---@param level integer?
function M.notify(message, level)
  local line = 'codementor: ' .. message:gsub('^Codementor: ', ''):gsub('%s*\n%s*', ' ')
  said[#said + 1] = line
  if #said > KEPT then
    table.remove(said, 1)
  end
  if vim.fn.strdisplaywidth(line) > vim.v.echospace then
    line = M.shortened(line, vim.v.echospace)
  end
  pcall(vim.cmd.redraw)
  vim.notify(line, level or vim.log.levels.INFO)
end

local more = '… (:Codementor messages)'

--- The beginning of a line that is too wide, and where the rest is.
---@param line string
---@param width integer in screen cells
---@return string
function M.shortened(line, width)
  local room = math.max(width - vim.fn.strdisplaywidth(more), 0)
  local characters = math.min(room, vim.fn.strchars(line))
  while characters > 0 and vim.fn.strdisplaywidth(vim.fn.strcharpart(line, 0, characters)) > room do
    characters = characters - 1
  end
  return vim.fn.strcharpart(line, 0, characters) .. more
end

---@return vim.lsp.Client?
function M.get()
  return lsp.get_clients({ name = M.name })[1]
end

--- The running client, or nil after telling the user what to do.
---@return vim.lsp.Client?
function M.require()
  local client = M.get()
  if not client then
    M.notify('cm-lsp is not running here. Open a file, or see :checkhealth codementor.', vim.log.levels.WARN)
  end
  return client
end

--- A way to start the server whose outgoing notifications `codementor.rebase` sees and `codementor.reports` gathers.
---@param connect fun(dispatchers: vim.lsp.rpc.Dispatchers): vim.lsp.rpc.PublicClient
function M.watched(connect)
  return function(dispatchers)
    local rpc = connect(dispatchers)
    local notify, request = rpc.notify, rpc.request
    rpc.notify = function(method, params)
      local opening_is_read = require('codementor.rebase').sending(method, params)
      local sent = require('codementor.reports').notify(notify, method, params)
      if opening_is_read then
        -- Any answer will do: it comes behind whatever was sent before the opening was read.
        local document = { uri = params.textDocument.uri }
        request('textDocument/codeLens', { textDocument = document }, opening_is_read)
      end
      return sent
    end
    rpc.request = function(...)
      require('codementor.reports').flush()
      return request(...)
    end
    return rpc
  end
end

function M.start()
  local options = require('codementor.config').get()
  if vim.fn.executable(options.cmd[1]) == 0 then
    return M.notify(options.cmd[1] .. ' is not on PATH; see :help codementor-install.', vim.log.levels.ERROR)
  end
  lsp.config(M.name, {
    cmd = M.watched(function(dispatchers)
      return lsp.rpc.start(options.cmd, dispatchers)
    end),
    root_markers = { '.git' },
    handlers = M.handlers,
    flags = { debounce_text_changes = 0 },
    init_options = { codementor = M.init_options(options) },
    -- One server for all folders: the server lets one editor of a person in.
    reuse_client = function(client, config)
      return client.name == config.name and not client:is_stopped()
    end,
    on_attach = function(client, buf)
      M.add_folder(client, buf)
      require('codementor.cursors').report_own(client, buf)
      require('codementor.diagnostics').report(client, buf)
      require('codementor.hunks').watch(buf)
    end,
  })
  lsp.enable(M.name)
  vim.api.nvim_create_autocmd({ 'BufReadPost', 'BufNewFile' }, {
    group = vim.api.nvim_create_augroup('codementor.untyped', {}),
    callback = function(event)
      vim.schedule(function()
        M.attach_untyped(event.buf)
      end)
    end,
  })
end

--- A file of no type Neovim knows: `vim.lsp.enable` attaches when there is a type and never else.
---@param buf integer
function M.attach_untyped(buf)
  if not vim.api.nvim_buf_is_loaded(buf) or vim.bo[buf].filetype ~= '' or vim.bo[buf].buftype ~= '' then
    return
  end
  local config = vim.deepcopy(lsp.config[M.name])
  lsp.start(config, { bufnr = buf, reuse_client = config.reuse_client })
end

--- Tells the server which folder a buffer is of: only files in a folder of the user's can be shared.
---@param client vim.lsp.Client
---@param buf integer
function M.add_folder(client, buf)
  local root = vim.fs.root(buf, '.git')
  if root then
    local added = { { uri = vim.uri_from_fname(root), name = root } }
    client:notify('workspace/didChangeWorkspaceFolders', { event = { added = added, removed = {} } })
  end
end

---@param options table<string, any>
function M.init_options(options)
  return {
    serverUrl = options.server_url,
    surroundingLines = options.surrounding_lines,
    capMinutes = options.cap_minutes,
    maxPrice = options.max_price,
    spokenLanguages = options.spoken_languages,
    capabilities = {
      cursors = true,
      meter = true,
      offers = true,
      sharedBuffers = true,
      chat = true,
      prompt = false,
      rebase = true,
      lookUp = true,
    },
  }
end

--- Runs a command of the server; failures are shown once, by the server itself or here.
---@param command string without the `codementor.` prefix
---@param argument table<string, any>
---@param done fun(result: any)?
function M.execute(command, argument, done)
  local client = M.require()
  if not client then
    return
  end
  local params = { command = 'codementor.' .. command, arguments = { next(argument) and argument or vim.empty_dict() } }
  client:request('workspace/executeCommand', params, function(err, result)
    if err then
      M.notify(err.message, vim.log.levels.ERROR)
    elseif done then
      done(result)
    end
  end)
end

return M
