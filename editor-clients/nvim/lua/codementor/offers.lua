--- Offers to a mentor: shown in a window that takes no focus, counted down, answered by a command.
local M = {}

local api = vim.api

---@class codementor.OpenOffer
---@field params table
---@field window integer
---@field buffer integer
---@field ends_at integer milliseconds of vim.uv.now()

local open = {} ---@type table<string, codementor.OpenOffer>

---@return string? offer_id the one that ends first
function M.latest()
  local id, soonest
  for offer_id, offer in pairs(open) do
    if not soonest or offer.ends_at < soonest then
      id, soonest = offer_id, offer.ends_at
    end
  end
  return id
end

--- The open ones, the one that ends first in front.
---@return string[]
function M.ids()
  local ids = vim.tbl_keys(open)
  table.sort(ids, function(a, b)
    return open[a].ends_at < open[b].ends_at
  end)
  return ids
end

--- An open offer in one line.
---@param offer_id string
---@return string
function M.describe(offer_id)
  return open[offer_id] and open[offer_id].params.text or offer_id
end

---@param params table
---@return string[]
local function lines_of(params)
  local lines = { params.text, '' }
  if params.question ~= '' then
    vim.list_extend(lines, vim.split(params.question, '\n', { plain = true }))
    lines[#lines + 1] = ''
  end
  for _, diagnostic in ipairs(params.diagnostics) do
    lines[#lines + 1] = ('%s:%d %s'):format(params.path, diagnostic.line + 1, diagnostic.message:gsub('\n', ' '))
  end
  lines[#lines + 1] = ''
  vim.list_extend(lines, vim.split(params.excerpt, '\n', { plain = true }))
  return lines
end

---@param params table
local function show(params)
  local buffer = api.nvim_create_buf(false, true)
  vim.bo[buffer].modeline = false
  api.nvim_buf_set_lines(buffer, 0, -1, true, lines_of(params))
  local syntax = params.languageId:gsub('[^%w_-]', '')
  vim.bo[buffer].syntax = syntax
  local window = api.nvim_open_win(buffer, false, {
    relative = 'editor',
    anchor = 'NE',
    row = 1,
    col = vim.o.columns,
    width = math.max(20, math.min(80, vim.o.columns - 4)),
    height = math.max(3, math.min(20, vim.o.lines - 6)),
    style = 'minimal',
    border = 'rounded',
    title = ' Offer ',
    footer = ' :Codementor accept · :Codementor decline ',
    noautocmd = true,
  })
  open[params.offerId] =
    { params = params, window = window, buffer = buffer, ends_at = vim.uv.now() + params.answerWithinMs }
end

---@param offer_id string
local function close(offer_id)
  local offer = open[offer_id]
  open[offer_id] = nil
  if offer and api.nvim_win_is_valid(offer.window) then
    api.nvim_win_close(offer.window, true)
  end
  if offer and api.nvim_buf_is_valid(offer.buffer) then
    api.nvim_buf_delete(offer.buffer, { force = true })
  end
end

---@param offer_id string
local function count_down(offer_id)
  local offer = open[offer_id]
  if not offer then
    return
  end
  local seconds = math.max(0, math.floor((offer.ends_at - vim.uv.now()) / 1000))
  if api.nvim_win_is_valid(offer.window) then
    api.nvim_win_set_config(offer.window, { title = (' Offer · %d s '):format(seconds) })
  end
  if seconds > 0 then
    vim.defer_fn(function()
      count_down(offer_id)
    end, 1000)
  end
end

---@param params table codementor/offer
function M.changed(params)
  close(params.offerId)
  if params.state == 'open' then
    show(params)
    count_down(params.offerId)
  elseif params.why ~= '' then
    require('codementor.client').notify(params.why)
  end
end

return M
