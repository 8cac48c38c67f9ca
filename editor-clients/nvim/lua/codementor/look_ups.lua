--- Asks the user's other language servers about a place, for a mentor whom the user lets ask. Nothing is shown or moved here.
local M = {}

local api = vim.api

local PATIENCE_MS = 1500
local METHODS = { hover = 'textDocument/hover', definition = 'textDocument/definition' }

---@param buf integer
---@param row integer
---@return string
local function line_at(buf, row)
  return api.nvim_buf_get_lines(buf, row, row + 1, false)[1] or ''
end

--- A place of ours (bytes) as another server counts.
---@param buf integer
---@param place lsp.Position
---@param encoding string
---@return lsp.Position
local function to_theirs(buf, place, encoding)
  local line = line_at(buf, place.line)
  local byte = math.min(place.character, #line)
  return { line = place.line, character = vim.str_utfindex(line, encoding, byte, false) }
end

--- The opposite; in a file that is not loaded only the line is sure.
---@param uri string
---@param place lsp.Position
---@param encoding string
---@return lsp.Position
local function to_ours(uri, place, encoding)
  local buf = vim.uri_to_bufnr(uri)
  if not api.nvim_buf_is_loaded(buf) then
    return place
  end
  return { line = place.line, character = vim.str_byteindex(line_at(buf, place.line), encoding, place.character, false) }
end

---@param found { texts: string[], places: lsp.Location[] }
---@param kind string
---@param result any
---@param encoding string
local function add(found, kind, result, encoding)
  if kind == 'hover' then
    local lines = result.contents and vim.lsp.util.convert_input_to_markdown_lines(result.contents) or {}
    if #lines > 0 then
      found.texts[#found.texts + 1] = table.concat(lines, '\n')
    end
    return
  end
  for _, location in ipairs(vim.islist(result) and result or { result }) do
    local uri, range = location.uri or location.targetUri, location.range or location.targetSelectionRange
    local place = { start = to_ours(uri, range.start, encoding), ['end'] = to_ours(uri, range['end'], encoding) }
    found.places[#found.places + 1] = { uri = uri, range = place }
  end
end

--- Answers `codementor/lookUp`. Runs in a coroutine, as every answer to a server does, so that waiting blocks nobody.
---@param params { uri: string, position: lsp.Position, kind: string }
---@param own_id integer our own server, which is not asked
---@return { texts: string[], places: lsp.Location[] }
function M.answer(params, own_id)
  local found = { texts = {}, places = {} }
  local buf, method = vim.uri_to_bufnr(params.uri), METHODS[params.kind]
  if not method or not api.nvim_buf_is_loaded(buf) then
    return found
  end
  local co, left, is_over, is_waiting = coroutine.running(), 0, false, false
  local function finish()
    is_over = true
    if is_waiting then
      is_waiting = false
      coroutine.resume(co)
    end
  end
  for _, client in ipairs(vim.lsp.get_clients({ bufnr = buf, method = method })) do
    local encoding = client.offset_encoding
    local asked = { textDocument = { uri = params.uri }, position = to_theirs(buf, params.position, encoding) }
    local is_sent = client.id ~= own_id
      and client:request(method, asked, function(_, result)
        left = left - 1
        if result and not is_over then
          pcall(add, found, params.kind, result, encoding)
        end
        if left == 0 and not is_over then
          finish()
        end
      end, buf)
    left = left + (is_sent and 1 or 0)
  end
  if left > 0 then
    local timer = vim.defer_fn(finish, PATIENCE_MS)
    is_waiting = true
    coroutine.yield()
    timer:stop()
  end
  return found
end

return M
