/** What a newcomer needs, who typed the name of the program and nothing else. */
export const WELCOME = `udpchat: no command is given: begin with one of these
  udpchat start               take part in the network, until udpchat stop
  udpchat discover            see who is there
  udpchat send NAME 'Hello!'  write to somebody; udpchat join '#lobby' is for a chat with all
udpchat help lists the other commands, udpchat help COMMAND explains one.
`;
