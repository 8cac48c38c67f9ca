--- Writes the options section of doc/codementor.txt from the one schema in codementor.config:
---
---     nvim --clean -l editor-clients/nvim/scripts/help.lua          rewrites the help
---     nvim --clean -l editor-clients/nvim/scripts/help.lua --check  fails when it is stale
local root = vim.fs.dirname(vim.fs.dirname(vim.fs.abspath(arg[0])))
vim.opt.runtimepath:prepend(root)

local FIRST, LAST = 'Options from the schema: >', '<'

---@param text string
---@param width integer
---@return string[]
local function wrapped(text, width)
  local lines, line = {}, ''
  for word in text:gmatch('%S+') do
    if line ~= '' and #line + 1 + #word > width then
      lines[#lines + 1], line = line, word
    else
      line = line == '' and word or line .. ' ' .. word
    end
  end
  lines[#lines + 1] = line
  return lines
end

---@return string
local function options_section()
  local lines = {}
  for _, option in ipairs(require('codementor.config').schema) do
    local default = option.default ~= nil and vim.inspect(option.default) or 'unset'
    lines[#lines + 1] = ('  %-18s %-14s'):format(option.name, default)
    for _, line in ipairs(wrapped(option.help, 66)) do
      lines[#lines + 1] = (' '):rep(8) .. line
    end
  end
  return (table.concat(lines, '\n'):gsub(' +\n', '\n'))
end

local path = vim.fs.joinpath(root, 'doc', 'codementor.txt')
local file = assert(io.open(path))
local help = file:read('*a')
file:close()

local _, first = help:find(FIRST .. '\n', 1, true)
local last = help:find('\n' .. LAST .. '\n', first, true)
assert(first and last, path .. ' has lost the marks of its options section')
local fresh = help:sub(1, first) .. options_section() .. help:sub(last)

if arg[1] == '--check' then
  if fresh ~= help then
    io.stderr:write('doc/codementor.txt is stale; run scripts/help.lua\n')
    os.exit(1)
  end
  return
end
local out = assert(io.open(path, 'w'))
out:write(fresh)
out:close()
