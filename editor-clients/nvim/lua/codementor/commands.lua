--- `:Codementor …`: one subcommand for each command of the server, with completion.
local M = {}

local api = vim.api

---@class codementor.Invocation
---@field args string[] the words behind the subcommand
---@field text string the same, as typed
---@field range lsp.Range
---@field uri string
---@field buf integer

---@class codementor.Subcommand
---@field help string
---@field run fun(invocation: codementor.Invocation)
---@field complete (fun(): string[])?

local function execute(command, argument, done)
  require('codementor.client').execute(command, argument or {}, done)
end

local function notify(message, level)
  require('codementor.client').notify(message, level)
end

---@param invocation codementor.Invocation
---@param what string
---@return string? text
local function required_text(invocation, what)
  if invocation.text == '' then
    notify('say ' .. what, vim.log.levels.WARN)
    return nil
  end
  return invocation.text
end

---@param invocation codementor.Invocation
---@param what string
---@return integer?
local function whole_number(invocation, what)
  local number = tonumber(invocation.args[1] or '')
  if not number or number % 1 ~= 0 then
    notify('say ' .. what .. ' as a whole number', vim.log.levels.WARN)
    return nil
  end
  return number
end

--- The diagnostics in a range as LSP knows them, whichever server they came from.
---@param buf integer
---@param range lsp.Range
local function diagnostics_in(buf, range)
  local found = {}
  for _, diagnostic in ipairs(vim.diagnostic.get(buf)) do
    if diagnostic.lnum <= range['end'].line and (diagnostic.end_lnum or diagnostic.lnum) >= range.start.line then
      found[#found + 1] = {
        message = diagnostic.message,
        severity = diagnostic.severity,
        source = diagnostic.source,
        code = diagnostic.code,
        range = {
          start = { line = diagnostic.lnum, character = diagnostic.col },
          ['end'] = { line = diagnostic.end_lnum or diagnostic.lnum, character = diagnostic.end_col or diagnostic.col },
        },
      }
    end
  end
  return found
end

--- Once it is sent, the preview has done its work.
---@param result { askId: string }?
local function asked(result)
  if type(result) == 'table' and result.askId then
    require('codementor.shown').close('codementor-ask.md')
  end
end

---@param invocation codementor.Invocation
local function ask(invocation)
  local argument = {
    uri = invocation.uri,
    range = invocation.range,
    diagnostics = diagnostics_in(invocation.buf, invocation.range),
  }
  if invocation.text ~= '' then
    argument.question = invocation.text
  end
  execute('ask', argument, asked)
end

---@param invocation codementor.Invocation
local function choose_mentor(invocation)
  local about = { uri = invocation.uri, range = invocation.range }
  execute('mentors', about, function(mentors)
    if not mentors or #mentors == 0 then
      return notify('no mentor who fits is free now.')
    end
    vim.ui.select(mentors, {
      prompt = 'Ask which mentor?',
      format_item = function(mentor)
        return mentor.text
      end,
    }, function(chosen)
      if chosen then
        execute('ask', {
          uri = invocation.uri,
          range = invocation.range,
          diagnostics = diagnostics_in(invocation.buf, invocation.range),
          mentor = chosen.mentor,
        }, asked)
      end
    end)
  end)
end

---@param command 'accept'|'decline'
local function answer_offer(command)
  return function(invocation)
    local offers = require('codementor.offers')
    local ids = invocation.args[1] and { invocation.args[1] } or offers.ids()
    if #ids == 0 then
      return notify('there is no open offer.')
    elseif #ids == 1 then
      return execute(command, { offerId = ids[1] })
    end
    vim.ui.select(ids, { prompt = 'Which offer?', format_item = offers.describe }, function(chosen)
      if chosen then
        execute(command, { offerId = chosen })
      end
    end)
  end
end

---@param command string
local function plain(command)
  return function()
    execute(command)
  end
end

---@param invocation codementor.Invocation
local function diagnose(invocation)
  local minutes = whole_number(invocation, 'the estimate in minutes, then the diagnosis')
  local text = invocation.text:match('^%S+%s+(.+)$')
  if minutes and not text then
    return notify('say the diagnosis in one line behind the minutes', vim.log.levels.WARN)
  end
  if minutes then
    execute('diagnose', { text = text, minutes = minutes })
  end
end

---@param invocation codementor.Invocation
local function rate(invocation)
  local stars = whole_number(invocation, 'one to five stars, then optionally "solved" or "unsolved" and a comment')
  if not stars then
    return
  end
  local argument = { stars = stars }
  local rest = vim.list_slice(invocation.args, 2)
  if rest[1] == 'solved' or rest[1] == 'unsolved' then
    argument.solved = table.remove(rest, 1) == 'solved'
  end
  if #rest > 0 then
    argument.comment = table.concat(rest, ' ')
  end
  local session = require('codementor.session').get()
  argument.sessionId = session and session.sessionId
  execute('rate', argument)
end

--- Commands on the last session, which need its id once it has ended.
---@param command string
local function of_session(command)
  return function(invocation)
    local session = require('codementor.session').get()
    if not session then
      return notify('there was no session yet.')
    end
    local argument = { sessionId = session.sessionId }
    if command == 'refund' and invocation.text ~= '' then
      argument.reason = invocation.text
    end
    execute(command, argument)
  end
end

--- The address stays readable in `:Codementor messages`, for a Neovim on a machine without a browser.
---@param command 'card'|'payouts'
local function open_page(command)
  return function()
    execute(command, {}, function(result)
      notify('opened ' .. result.url)
    end)
  end
end

local hunk_words = { 'accept', 'refuse', 'show', 'next', 'prev', 'all' }

---@param invocation codementor.Invocation
local function hunk(invocation)
  local hunks = require('codementor.hunks')
  local what, all = invocation.args[1], invocation.args[2] == 'all'
  if what == 'accept' or what == 'refuse' then
    hunks.settle(what .. 'Proposal', all)
  elseif what == 'show' then
    execute('showProposals', { uri = invocation.uri })
  elseif what == 'next' or what == 'prev' then
    hunks.go(what == 'next' and 1 or -1)
  else
    notify('say accept, refuse (either of all with "all"), show, next or prev', vim.log.levels.WARN)
  end
end

local function participants()
  local session = require('codementor.session').get()
  return session and { session.partner.participant } or {}
end

local function offers()
  return require('codementor.offers').ids()
end

---@type table<string, codementor.Subcommand>
M.subcommands = {
  ask = { help = '[QUESTION] ask about the selection or line', run = ask },
  mentors = { help = 'choose a mentor for the selection or line, and ask', run = choose_mentor },
  cancel = { help = 'take the ask back', run = plain('cancelAsk') },
  wait = {
    help = '[tell] nobody is there: ring whoever comes, or only be told of them',
    run = function(invocation)
      local word = invocation.args[1]
      if word and word ~= 'tell' then
        return notify('say nothing behind it, or tell', vim.log.levels.WARN)
      end
      execute('keepAsk', { tellOnly = word == 'tell' })
    end,
    complete = function()
      return { 'tell' }
    end,
  },
  raise = {
    help = '[AMOUNT] raise the limit of an ask that found nobody; without an amount, to what would do',
    run = function(invocation)
      execute('raiseLimit', { maxPrice = invocation.args[1] })
    end,
  },
  online = { help = 'be offered asks', run = plain('goOnline') },
  offline = { help = 'be offered none', run = plain('goOffline') },
  accept = { help = '[OFFER] take an offer', run = answer_offer('accept'), complete = offers },
  decline = { help = '[OFFER] leave an offer to others', run = answer_offer('decline'), complete = offers },
  diagnose = { help = 'MINUTES TEXT say what is wrong and how long it takes', run = diagnose },
  start = { help = 'start the meter', run = plain('startMeter') },
  pause = { help = 'pause the meter', run = plain('pause') },
  resume = { help = 'let the meter run again', run = plain('resume') },
  extend = {
    help = 'MINUTES raise the cap',
    run = function(invocation)
      local minutes = whole_number(invocation, 'by how many minutes')
      if minutes then
        execute('extend', { minutes = minutes })
      end
    end,
  },
  share = {
    help = 'share this file too',
    run = function(invocation)
      execute('share', { uri = invocation.uri })
    end,
  },
  unshare = {
    help = 'share this file no more',
    run = function(invocation)
      execute('unshare', { uri = invocation.uri })
    end,
  },
  mode = {
    help = 'live|propose|readOnly what the mentor may do',
    run = function(invocation)
      execute('mode', { mode = invocation.args[1] or '' })
    end,
    complete = function()
      return { 'live', 'propose', 'readOnly' }
    end,
  },
  lookups = {
    help = 'on|off whether the mentor may ask your language servers',
    run = function(invocation)
      local word = invocation.args[1]
      if word ~= 'on' and word ~= 'off' then
        return notify('say on or off', vim.log.levels.WARN)
      end
      execute('lookUps', { allow = word == 'on' })
    end,
    complete = function()
      return { 'on', 'off' }
    end,
  },
  hunk = {
    help = 'accept|refuse [all]|show|next|prev what the mentor proposes',
    run = hunk,
    complete = function()
      return hunk_words
    end,
  },
  undo = {
    help = "[all] take the mentor's last change back, or all",
    run = function(invocation)
      execute('undoMentor', { all = invocation.args[1] == 'all' })
    end,
    complete = function()
      return { 'all' }
    end,
  },
  point = {
    help = '[NOTE] point at the selection',
    run = function(invocation)
      execute('point', { uri = invocation.uri, range = invocation.range, note = invocation.text })
    end,
  },
  chat = {
    help = '[TEXT] say something, or open the chat',
    run = function(invocation)
      if invocation.text == '' then
        return require('codementor.chat').show()
      end
      execute('chat', { text = invocation.text })
    end,
  },
  follow = {
    help = "[off] go where the other is, and stay with them until you move",
    run = function(invocation)
      local whom = invocation.args[1] ~= 'off' and (invocation.args[1] or participants()[1]) or nil
      require('codementor.following').set(whom)
      execute('follow', { participant = whom or vim.NIL })
    end,
    complete = function()
      return vim.list_extend({ 'off' }, participants())
    end,
  },
  ['end'] = { help = 'end the session', run = plain('end') },
  rate = { help = 'STARS [solved|unsolved] [COMMENT]', run = rate },
  refund = { help = '[REASON] money back', run = of_session('refund') },
  receipt = { help = 'show the receipt', run = of_session('receipt') },
  patch = { help = 'show what changed as a diff', run = of_session('patch') },
  note = { help = 'show the learning note', run = of_session('note') },
  card = { help = 'save a card to pay with, in the browser', run = open_page('card') },
  payouts = { help = 'say where to be paid as a mentor, in the browser', run = open_page('payouts') },
  status = { help = 'show connection and session', run = plain('status') },
  messages = {
    help = 'show the last messages whole',
    run = function()
      vim.api.nvim_echo({ { table.concat(require('codementor.client').said(), '\n') } }, false, {})
    end,
  },
  signin = { help = 'sign in', run = plain('signIn') },
  signout = { help = 'sign out', run = plain('signOut') },
  start_server = {
    help = 'start cm-lsp now',
    run = function()
      require('codementor').start()
    end,
  },
}

---@param invocation vim.api.keyset.create_user_command.command_args
---@return lsp.Range
local function range_of(invocation)
  local client = require('codementor.client').get()
  local encoding = client and client.offset_encoding or 'utf-16'
  if invocation.range == 0 then
    local caret = vim.lsp.util.make_range_params(0, encoding).range
    return caret
  end
  local first, last = invocation.line1 - 1, invocation.line2 - 1
  local line = api.nvim_buf_get_lines(0, last, last + 1, false)[1] or ''
  return {
    start = { line = first, character = 0 },
    ['end'] = { line = last, character = vim.str_utfindex(line, encoding) },
  }
end

---@param invocation vim.api.keyset.create_user_command.command_args
function M.run(invocation)
  local name, text = invocation.args:match('^%s*(%S*)%s*(.-)%s*$')
  local subcommand = M.subcommands[name]
  if not subcommand then
    local names = vim.tbl_keys(M.subcommands)
    table.sort(names)
    local problem = name == '' and 'say what to do' or ('there is no "%s"'):format(name)
    return notify(problem .. '; one of ' .. table.concat(names, ', '), vim.log.levels.WARN)
  end
  subcommand.run({
    args = vim.split(text, '%s+', { trimempty = true }),
    text = text,
    range = range_of(invocation),
    uri = vim.uri_from_bufnr(0),
    buf = api.nvim_get_current_buf(),
  })
end

---@param lead string
---@param line string
---@return string[]
function M.complete(lead, line)
  local name = line:match('Codementor%s+(%S+)%s')
  local subcommand = name and M.subcommands[name]
  local choices = subcommand and (subcommand.complete and subcommand.complete() or {}) or vim.tbl_keys(M.subcommands)
  local fitting = vim.tbl_filter(function(choice)
    return vim.startswith(choice, lead)
  end, choices)
  table.sort(fitting)
  return fitting
end

return M
