--- Options: one schema gives the defaults, the validation and the help text (`scripts/help.lua` writes it).
local M = {}

---@class codementor.Options
---@field cmd? string[]
---@field server_url? string
---@field surrounding_lines? integer
---@field cap_minutes? integer
---@field max_price? string
---@field spoken_languages? string[]
---@field cursor_names? boolean
---@field cursor_name_seconds? number
---@field own_undo? boolean

---@class codementor.Option
---@field name string
---@field type string|string[]
---@field default any
---@field help string

---@type codementor.Option[]
M.schema = {
  { name = 'cmd', type = 'table', default = { 'cm-lsp' }, help = 'How to start the language server.' },
  {
    name = 'server_url',
    type = { 'string', 'nil' },
    help = 'Where cm-server is; else CM_SERVER_URL, else http://127.0.0.1:8765.',
  },
  {
    name = 'surrounding_lines',
    type = { 'number', 'nil' },
    help = 'Lines above and below a selection that an ask may send; 0 sends the selection alone. The server takes 30.',
  },
  { name = 'cap_minutes', type = { 'number', 'nil' }, help = 'The cap an ask proposes, in minutes; else 30.' },
  { name = 'max_price', type = { 'string', 'nil' }, help = 'The dearest price per 15 minutes, such as "10.00"; else "30.00".' },
  { name = 'spoken_languages', type = { 'table', 'nil' }, help = 'Languages you speak, such as { "en", "de" }.' },
  { name = 'cursor_names', type = 'boolean', default = true, help = "Show the name behind the other's cursor." },
  {
    name = 'cursor_name_seconds',
    type = 'number',
    default = 5,
    help = 'For how long a name stands after the last move; 0 keeps it. It never stands in the line you are in.',
  },
  {
    name = 'own_undo',
    type = 'boolean',
    default = true,
    help = "In a session's files, u and CTRL-R take back what you typed and leave what the other did.",
  },
}

local current ---@type table<string, any>?

---@param options codementor.Options
function M.set(options)
  local known = {}
  for _, option in ipairs(M.schema) do
    known[option.name] = true
    vim.validate(option.name, options[option.name], option.type, option.default ~= nil, option.help)
  end
  for name in pairs(options) do
    if not known[name] then
      error(('codementor: there is no option "%s"; see :help codementor-options'):format(name), 2)
    end
  end
  current = options
end

---@return table<string, any>
function M.get()
  local chosen = {}
  for _, option in ipairs(M.schema) do
    local value = current and current[option.name]
    if value == nil then
      value = option.default
    end
    chosen[option.name] = value
  end
  return chosen
end

return M
