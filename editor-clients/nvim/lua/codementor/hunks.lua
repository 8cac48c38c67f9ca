--- What the mentor proposes, in place: taken-away text marked, new text as virtual text, a sign; accepted or refused by line.
---
--- `cm-lsp` tells proposals as diagnostics with what is proposed in their `data`; nothing else is known here. Nothing drawn is
--- text: a proposal becomes text by the server's edit, once it is accepted.
local M = {}

local api = vim.api
local namespace = api.nvim_create_namespace('codementor.hunks')

---@class codementor.Hunk
---@field number integer the proposal's in its file
---@field text string
---@field from codementor.Place
---@field to codementor.Place

--- The proposals of a buffer, first place first.
---@param buf integer
---@return codementor.Hunk[]
function M.of(buf)
  local client = require('codementor.client').get()
  local own = client and vim.lsp.diagnostic.get_namespace(client.id)
  local found = {}
  for _, diagnostic in ipairs(own and vim.diagnostic.get(buf, { namespace = own }) or {}) do
    local data = vim.tbl_get(diagnostic, 'user_data', 'lsp', 'data', 'proposal')
    if type(data) == 'table' then
      found[#found + 1] = {
        number = data.number,
        text = data.text,
        from = { diagnostic.lnum, diagnostic.col },
        to = { diagnostic.end_lnum, diagnostic.end_col },
      }
    end
  end
  table.sort(found, function(a, b)
    return a.number < b.number
  end)
  return found
end

--- The links are made anew with each drawing, since `:colorscheme` clears them.
local function highlights()
  api.nvim_set_hl(0, 'CodementorAdded', { link = 'DiffAdd', default = true })
  api.nvim_set_hl(0, 'CodementorRemoved', { link = 'DiffDelete', default = true })
end

---@param buf integer
---@param hunk codementor.Hunk
local function draw_one(buf, hunk)
  local mark = { sign_text = '±', sign_hl_group = 'CodementorAdded', strict = false }
  local lines = vim.split(hunk.text, '\n', { plain = true })
  local is_whole_lines = #lines > 1 and hunk.from[2] == 0
  if is_whole_lines and lines[#lines] == '' then
    table.remove(lines)
  end
  if #lines == 1 and not is_whole_lines then
    if lines[1] ~= '' then
      api.nvim_buf_set_extmark(buf, namespace, hunk.to[1], hunk.to[2], {
        virt_text = { { lines[1], 'CodementorAdded' } },
        virt_text_pos = 'inline',
        strict = false,
      })
    end
  else
    mark.virt_lines = vim.tbl_map(function(line)
      return { { line == '' and ' ' or line, 'CodementorAdded' } }
    end, lines)
    -- Above the first line Neovim shows nothing.
    mark.virt_lines_above = is_whole_lines and hunk.from[1] > 0
  end
  if hunk.from[1] ~= hunk.to[1] or hunk.from[2] ~= hunk.to[2] then
    mark.end_row, mark.end_col, mark.hl_group = hunk.to[1], hunk.to[2], 'CodementorRemoved'
  end
  api.nvim_buf_set_extmark(buf, namespace, hunk.from[1], hunk.from[2], mark)
end

---@param buf integer
function M.draw(buf)
  api.nvim_buf_clear_namespace(buf, namespace, 0, -1)
  highlights()
  for _, hunk in ipairs(M.of(buf)) do
    draw_one(buf, hunk)
  end
end

--- Draws a buffer's proposals whenever they are told anew.
---@param buf integer
function M.watch(buf)
  api.nvim_create_autocmd('DiagnosticChanged', {
    group = api.nvim_create_augroup('codementor.hunks.' .. buf, {}),
    buffer = buf,
    callback = function()
      M.draw(buf)
    end,
  })
end

local function notify(message)
  require('codementor.client').notify(message, vim.log.levels.WARN)
end

--- Accepts or refuses what is proposed in the line of the cursor, or all of it.
---@param command 'acceptProposal'|'refuseProposal'
---@param all boolean
function M.settle(command, all)
  local buf, row = api.nvim_get_current_buf(), api.nvim_win_get_cursor(0)[1] - 1
  local argument = { uri = vim.uri_from_bufnr(buf) }
  if not all then
    for _, hunk in ipairs(M.of(buf)) do
      if hunk.from[1] <= row and row <= hunk.to[1] then
        argument.number = hunk.number
        break
      end
    end
    if not argument.number then
      return notify('nothing is proposed in this line; :Codementor hunk next goes to where something is.')
    end
  end
  require('codementor.client').execute(command, argument)
end

--- Goes to the next proposal in that direction, round the end of the file.
---@param step 1|-1
function M.go(step)
  local rows = vim.tbl_map(function(hunk)
    return hunk.from[1]
  end, M.of(api.nvim_get_current_buf()))
  if #rows == 0 then
    return notify('nothing is proposed in this file now.')
  end
  table.sort(rows)
  local row = api.nvim_win_get_cursor(0)[1] - 1
  local first, last = step == 1 and 1 or #rows, step == 1 and #rows or 1
  local target = rows[first]
  for index = first, last, step do
    if (rows[index] - row) * step > 0 then
      target = rows[index]
      break
    end
  end
  api.nvim_win_set_cursor(0, { target + 1, 0 })
end

return M
