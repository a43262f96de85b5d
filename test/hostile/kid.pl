# A kid that plays the script DIRECTORY/NUMBER, one deed a line. Without a script, or where one that behaves is wanted, it
# becomes that: BEHAVES.

use strict;
use warnings;
use Fcntl;

my ($directory, @behaves) = @ARGV;
my $number = $ENV{PREFORKD_KID};
rename "$directory/wanted", "$directory/behaves-$number" and exec @behaves;
open my $script, '<', "$directory/$number" or exec @behaves or die "$behaves[0]: $!\n";
my @deeds = <$script>;
open my $commands, '<&=', $ENV{PREFORKD_COMMAND_FD} or die "no command pipe: $!\n";
open my $status, '>&=', $ENV{PREFORKD_STATUS_FD} or die "no status pipe: $!\n";
open my $listener, '+<&=', 3 or die "no listener: $!\n";
$SIG{PIPE} = 'IGNORE';

my $seq = 0;
# Whether an order waits for its answer: whoever accepts without one is a thief, and what it takes is in no counter.
my $ordered = 0;
my $slowly;
my @clients;

sub pause { select undef, undef, undef, $_[0] }

sub say {
    return syswrite $status, $_[0] unless $slowly;
    for (split //, $_[0]) { syswrite $status, $_; pause(0.001) }
}

# As the handler of the fault rows does.
sub serve {
    my ($client) = @_;
    $client->blocking(1);
    my $line = (split ' ', readline($client) // '')[0] . " $$\n";
    open my $ledger, '>>', $ENV{FAULTS_LEDGER} or die "no ledger: $!\n";
    syswrite $ledger, $line;
    syswrite $client, $line;
    close $client;
}

my %deeds = (
    write => sub { say(pack 'H*', $_[0] // '') },
    # From now on each byte by itself, a millisecond apart.
    slowly => sub { $slowly = 1 },
    # The next order: waited for, but not for ever.
    order => sub {
        my $text = '';
        for (;;) {
            vec(my $bits = '', fileno $commands, 1) = 1;
            return unless select($bits, undef, undef, $_[0] // 0.3) > 0;
            return unless sysread $commands, $text, 4096;
            # It may be told of pressure.
            next unless $text =~ /^accept (\d+) /m;
            $seq = $1;
            $ordered = 1;
            return;
        }
    },
    answer => sub { $ordered = 0; say('accepted ' . ($seq + $_[0]) . " $_[1]\n") },
    fail   => sub { say("failed $seq $_[0] $_[1]\n") },
    done   => sub { say("done $seq $_[0]\n") },
    # Whatever else may happen to connections of the order.
    change => sub { say("$_[0] $seq $_[1]\n") },
    take   => sub { my $client; push @clients, $client if $ordered && accept $client, $listener },
    serve  => sub { serve(shift @clients) if @clients },
    # Takes whoever comes, ordered or not, and serves them.
    steal => sub {
        for (;;) {
            my $client;
            if (accept $client, $listener) { serve($client) }
            else                           { pause(0.0005) }
        }
    },
    flood => sub { say("label $seq flood\n" x 1_000) for 1 .. $_[0] },
    # Nobody reads what it writes there but itself, and it does not.
    fill => sub {
        sysopen my $filled, "/proc/self/fd/$ENV{PREFORKD_COMMAND_FD}", O_WRONLY | O_NONBLOCK or die "no pipe: $!\n";
        1 while syswrite $filled, 'x' x 4_096;
    },
    stderr => sub { syswrite STDERR, pack 'H*', $_[0] },
    close  => sub { close($_[0] eq 'status' ? $status : $_[0] eq 'listener' ? $listener : $commands) },
    sleep  => sub { pause($_[0] / 1_000) },
    die    => sub { kill 'KILL', $$ },
    exit   => sub { exit 0 },
    linger => sub { sleep 3_600 while 1 },
);

for (@deeds) {
    chomp;
    my ($deed, @words) = split / /;
    $deeds{$deed}->(@words);
}
