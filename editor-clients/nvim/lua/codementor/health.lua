--- `:checkhealth codementor`
local M = {}

local health = vim.health

function M.check()
  health.start('codementor')
  if vim.fn.has('nvim-0.11') == 1 then
    health.ok('Neovim ' .. tostring(vim.version()))
  else
    health.error('Neovim 0.11 or newer is needed', 'Older versions can use plain LSP: see docs/editors in the project.')
  end
  local command = require('codementor.config').get().cmd
  if vim.fn.executable(command[1]) == 0 then
    return health.error(command[1] .. ' is not on PATH', 'pip install codementor-lsp, or set `cmd` in setup().')
  end
  health.ok('server: ' .. vim.fn.exepath(command[1]))
  if require('codementor.client').get() then
    health.ok('cm-lsp is running')
  else
    health.info('cm-lsp is not running yet; it starts with the first file')
  end
  local doctor = vim.system({ command[1], 'doctor' }, { text = true }):wait(15000)
  for line in (doctor.stdout or ''):gmatch('[^\n]+') do
    health.info(line)
  end
  if doctor.code ~= 0 then
    health.error('cm-lsp doctor found something', vim.split(doctor.stderr or '', '\n', { trimempty = true }))
  end
end

return M
