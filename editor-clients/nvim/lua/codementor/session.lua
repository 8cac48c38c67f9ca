--- What the server last said of the session and the connection; tells the user what changed in words.
local M = {}

local session ---@type table?
local status ---@type table?

---@return table?
function M.get()
  return session
end

---@return table?
function M.status()
  return status
end

--- The names of commands that make sense now, for completion.
---@return string[]
function M.can()
  return session and session.can or {}
end

---@param params table codementor/session
function M.changed(params)
  local before = session
  session = params
  if not before or before.state ~= params.state or before.diagnosis ~= params.diagnosis then
    require('codementor.client').notify(params.text)
  end
  require('codementor.undoing').session_changed(params)
  if params.state == 'ended' or params.state == 'closed' then
    require('codementor.meter').forget()
    require('codementor.following').set(nil)
  elseif params.you == 'mentor' then
    require('codementor.shared_buffers').open_new(before, params)
    require('codementor.shared_buffers').show_mode(params)
  end
end

---@param params table codementor/status
function M.status_changed(params)
  local before = status
  status = params
  if before and before.text ~= params.text and params.connection ~= 'connecting' then
    require('codementor.client').notify(params.text)
  end
end

return M
