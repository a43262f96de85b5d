# A kid that plays the script DIRECTORY/NUMBER, one deed a line (see scripts.ts). Without a script, or where one that behaves
# is wanted, it becomes that: BEHAVES.

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
my @clients;
sub say { syswrite $status, $_[0] }

for (@deeds) {
    chomp;
    my ($deed, @words) = split / /;
    if    ($deed eq 'write') { say(pack 'H*', $words[0] // '') }
    elsif ($deed eq 'drip') { say($_), select undef, undef, undef, 0.001 for split //, pack 'H*', $words[0] // '' }
    elsif ($deed eq 'order') {
        # Waited for, but not for ever.
        vec(my $bits = '', fileno $commands, 1) = 1;
        my $text = '';
        next unless select($bits, undef, undef, 0.3) > 0 && sysread $commands, $text, 4096;
        $seq = $1 if $text =~ /^accept (\d+) /;
    }
    elsif ($deed eq 'answer') { say('accepted ' . ($seq + $words[0]) . " $words[1]\n") }
    elsif ($deed eq 'done')   { say("done $seq $words[0]\n") }
    elsif ($deed eq 'take')   { my $client; push @clients, $client if accept $client, $listener }
    elsif ($deed eq 'flood')  { say("label $seq flood\n" x 1_000) for 1 .. $words[0] }
    elsif ($deed eq 'close')  { close($words[0] eq 'status' ? $status : $commands) }
    elsif ($deed eq 'sleep')  { select undef, undef, undef, $words[0] / 1_000 }
    elsif ($deed eq 'die')    { kill 'KILL', $$ }
    elsif ($deed eq 'linger') { sleep 3_600 while 1 }
}
