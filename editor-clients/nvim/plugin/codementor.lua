-- Defines what must exist before anything is asked for, and loads nothing: the modules come with the first use.
if vim.g.loaded_codementor then
  return
end
vim.g.loaded_codementor = true

if vim.fn.has('nvim-0.11') == 0 then
  vim.cmd([[command! -nargs=* -range Codementor lua require('codementor').is_too_old()]])
  return
end

vim.api.nvim_create_user_command('Codementor', function(invocation)
  require('codementor.commands').run(invocation)
end, {
  nargs = '*',
  range = true,
  desc = 'Ask a mentor, or mentor: see :help codementor-commands',
  complete = function(lead, line)
    return require('codementor.commands').complete(lead, line)
  end,
})

local group = vim.api.nvim_create_augroup('codementor.entry', {})

vim.api.nvim_create_autocmd('FileType', {
  group = group,
  once = true,
  callback = function()
    if vim.g.codementor_auto_start ~= false then
      vim.schedule(function()
        require('codementor').start()
      end)
    end
  end,
})

vim.api.nvim_create_autocmd('BufReadCmd', {
  group = group,
  pattern = 'codementor://*',
  callback = function(event)
    require('codementor.shared_buffers').read(event.buf, event.match)
  end,
})
