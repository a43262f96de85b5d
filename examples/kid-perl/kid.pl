# preforkd --kid 'perl examples/kid-perl/kid.pl'
#
# A kid in Perl: it tells the time, one client at once. preforkd has opened the listeners, and says over a pipe when a
# connection waits at one of them; this accepts it, answers over another pipe, and then serves it.

use strict;
use warnings;
use Errno;
use Fcntl;
use IO::Handle;

die "this kid is started by preforkd, and speaks version 1 of its protocol\n"
  unless ($ENV{PREFORKD_PROTOCOL} // '') eq '1';

open my $commands, '<&=', $ENV{PREFORKD_COMMAND_FD} or die "no command pipe: $!\n";
open my $status,   '>&=', $ENV{PREFORKD_STATUS_FD}  or die "no status pipe: $!\n";
my @listeners;
for my $n (0 .. $ENV{LISTEN_FDS} - 1) {
    open $listeners[$n], '+<&=', 3 + $n or die "no listener $n: $!\n";
}

# None of this is for programs that this one may start.
fcntl $_, F_SETFD, FD_CLOEXEC for $commands, $status, @listeners;

# A terminal sends the first three to everybody; they are meant for the parent.
$SIG{$_} = 'IGNORE' for qw(INT HUP WINCH PIPE);
my $terminated;
$SIG{TERM} = sub { $terminated = 1 };

sub tell_parent {
    syswrite $status, "$_[0]\n";    # all of it at once, and past any buffer
}

sub take {
    my ($listener, $count) = @_;
    my @clients;
    while (@clients < $count) {
        if (accept my $client, $listener) {
            $client->blocking(1);    # the listener is not, and on some systems that is inherited
            push @clients, $client;
            next;
        }
        last if $!{EAGAIN} || $!{EWOULDBLOCK};                        # nobody waits any more
        next if $!{EINTR} || $!{ECONNABORTED} || $!{EPROTO};          # that one has gone
        return ((grep { $!{$_} } keys %!)[0] // 'EUNKNOWN', @clients);
    }
    return (undef, @clients);
}

sub obey {
    my ($word, $seq, $listener, $count) = split / /, $_[0];
    return unless $word eq 'accept';                                  # a later parent may say more than we know
    my ($failure, @clients) = take($listeners[$listener], $count);
    my $n = @clients;
    tell_parent($failure ? "failed $seq $n $failure" : "accepted $seq $n");
    for my $client (@clients) {
        syswrite $client, localtime() . "\n";                         # where that fails, the client has gone
        close $client;
        tell_parent("done $seq 1");
    }
}

tell_parent('idle 1');
my $text = '';
LINES: while (1) {
    if ($terminated) {
        tell_parent('leaving SIGTERM');
        last;
    }
    vec(my $bits = '', fileno $commands, 1) = 1;
    # Perl runs its handlers between two steps; one that comes just before this wait is noticed after a second.
    next unless select($bits, undef, undef, 1) > 0;
    last unless sysread $commands, $text, 4096, length $text;         # the parent is gone
    while ($text =~ s/^(.*)\n//) {                                    # one read may bring half a line, or three
        last LINES if $1 eq 'leave';
        obey($1);
    }
}
